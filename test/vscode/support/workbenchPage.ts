import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { chromiumPath } from './installed.ts';

const stepMs = 45_000;

type View = 'Containers' | 'Dev Containers' | 'Hosts';

/** A browser that looks up no names and asks nobody anything. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
  });
}

/** The workbench as its user sees it. */
export class WorkbenchPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(stepMs);
  }

  /** `language`: as if that language pack were installed, for what extensions bring along themselves. */
  static async open(browser: Browser, url: string, options: { language?: string } = {}): Promise<WorkbenchPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    if (options.language !== undefined) await context.addInitScript((language) => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: language }), options.language);
    const workbench = new WorkbenchPage(await context.newPage());
    await workbench.page.goto(url);
    await workbench.page.locator('.monaco-workbench').waitFor();
    return workbench;
  }

  /** A workbench that something else opened. */
  static async opened(page: Page): Promise<WorkbenchPage> {
    const workbench = new WorkbenchPage(page);
    await page.locator('.monaco-workbench').waitFor();
    return workbench;
  }

  /** Opens Berth's views in the activity bar. */
  async openBerth(): Promise<void> {
    const tab = this.page.getByRole('tab', { name: 'Berth', exact: true });
    await tab.waitFor();
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
    await this.page.getByRole('button', { name: 'Containers Section', exact: true }).waitFor();
  }

  tree(view: View): Locator {
    return this.page.getByRole('tree', { name: view, exact: true });
  }

  row(view: View, name: string | RegExp): Locator {
    return this.tree(view).getByRole('treeitem', { name });
  }

  /** Runs a command by its title, by way of F1. A list has the commands that there were when it was opened; a young window gets more. */
  async command(title: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first();
    await this.#openUntilThere(row, async () => {
      await this.page.keyboard.press('F1');
      await this.page.locator('.quick-input-widget input[type=text]').fill(`>${title}`);
    });
    await row.click();
  }

  /** Opens what shows how things were when it was opened, again and again until it has `wanted`. */
  async #openUntilThere(wanted: Locator, open: () => Promise<void>): Promise<void> {
    for (const deadline = Date.now() + stepMs; ; ) {
      await open();
      const last = Date.now() > deadline;
      const there = await wanted.waitFor({ timeout: 5000 }).then(() => true, (error: unknown) => {
        if (last) throw error;
        return false;
      });
      if (there) return;
      await this.page.keyboard.press('Escape');
    }
  }

  /** Chooses from the context menu of a row. A menu takes no click in its first moments, so it is tried until the menu is gone. */
  async contextMenu(row: Locator, item: string): Promise<void> {
    const menu = this.page.locator('.monaco-menu');
    const entry = menu.locator('.action-item').filter({ hasText: new RegExp(`^${item}`) }).first();
    await this.#openUntilThere(entry, () => row.click({ button: 'right' }));
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await this.page.waitForTimeout(150);
      if (!(await menu.isVisible())) return;
      await entry.click({ timeout: 2000 }).catch(() => undefined);
    }
    throw new Error(`The menu stays open after choosing ${item}`);
  }

  async contextMenuItems(row: Locator): Promise<string[]> {
    await row.click({ button: 'right' });
    const items = this.page.locator('.monaco-menu .action-label:not(.separator)');
    await items.first().waitFor();
    const texts = await items.allInnerTexts();
    await this.page.keyboard.press('Escape');
    return texts.map((text) => text.trim()).filter((text) => text !== '');
  }

  /** Opens a row of a tree. One that has nothing below it yet takes no click for that. */
  async expand(row: Locator): Promise<void> {
    for (const deadline = Date.now() + stepMs; (await row.getAttribute('aria-expanded')) !== 'true'; await this.page.waitForTimeout(250)) {
      if (Date.now() > deadline) throw new Error(`The row does not open: ${await row.innerText()}`);
      if ((await row.getAttribute('aria-expanded')) === 'false') await row.locator('.monaco-tl-twistie').click();
    }
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator('.notification-list-item-message').filter({ hasText: text });
  }

  /** The buttons and words of a question that must be answered first. */
  dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  /** Waits for a question for a line of text, and answers it. */
  async answer(title: string | RegExp, text: string): Promise<void> {
    const widget = this.page.locator('.quick-input-widget').filter({ hasText: title });
    await widget.locator('input:not([type=checkbox])').first().waitFor();
    await widget.locator('input:not([type=checkbox])').first().fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** The text of the terminal on show; wrapped lines are joined. */
  terminalText(): Promise<string> {
    return this.page.evaluate(readTerminal);
  }

  async waitForTerminal(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + stepMs;
    let text = '';
    while (Date.now() < deadline) {
      text = await this.terminalText();
      if (pattern.test(text)) return text;
      await this.page.waitForTimeout(100);
    }
    throw new Error(`The terminal never showed ${String(pattern)}. It shows:\n${text}`);
  }

  async type(line: string): Promise<void> {
    await this.page.locator('.terminal-wrapper.active textarea.xterm-helper-textarea').focus();
    await this.page.keyboard.type(line);
    await this.page.keyboard.press('Enter');
  }

  /** Writes `<name>.png` into the folder that BERTH_TEST_SCREENSHOTS names; without one, nothing. */
  async screenshot(name: string): Promise<void> {
    const folder = process.env['BERTH_TEST_SCREENSHOTS'];
    if (folder === undefined) return;
    await mkdir(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** Runs in the page. Terminals are drawn on a canvas, so their text is read from the emulator's buffer. */
function readTerminal(): string {
  interface Line {
    isWrapped: boolean;
    translateToString(trim: boolean): string;
  }
  interface Wrapper {
    xterm?: { buffer: { active: { length: number; getLine(index: number): Line | undefined } } };
  }
  const page = globalThis as unknown as { document: { querySelector(selector: string): Wrapper | null } };
  const buffer = page.document.querySelector('.terminal-wrapper.active')?.xterm?.buffer.active;
  let text = '';
  for (let index = 0; index < (buffer?.length ?? 0); index += 1) {
    const line = buffer?.getLine(index);
    text += (line?.isWrapped === true || index === 0 ? '' : '\n') + (line?.translateToString(true) ?? '');
  }
  return text;
}
