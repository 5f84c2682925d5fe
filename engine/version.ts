/** The version of the engine and the CLI; a test holds it against package.json. */
export const version = '0.1.0';
