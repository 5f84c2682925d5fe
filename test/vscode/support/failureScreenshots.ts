import type { WorkbenchPage } from './workbenchPage.ts';

/** After each failed test of a suite, a picture of what was on the screen. */
export function failureScreenshots(page: () => WorkbenchPage | undefined): void {
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await page()?.screenshot(`failed ${this.currentTest.title.replaceAll(/[^\w ]/g, '')}`);
  });
}
