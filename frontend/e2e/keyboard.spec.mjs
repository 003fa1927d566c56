// The wizard from the first Tab to the download without touching the mouse.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newPerson } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { demoAccount, enrolTotp, signIn } from './worker.mjs';

const most = 60; // Tab presses until something must have been reached

describe('with the keyboard alone', () => {
  let demo;
  let browser;
  let person;

  before(async () => {
    demo = await startDemo();
    browser = await launchBrowser();
    person = await newPerson(browser);
    await signIn(person.page, demo.url, demoAccount('worker'));
    await enrolTotp(person.page);
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test('a device can be added', async () => {
    const { page } = person;
    await page.reload();
    await page.getByRole('link', { name: 'Add device' }).waitFor();
    await tabTo(page, { role: 'link', name: 'Skip to content' });
    await tabTo(page, { role: 'link', name: 'Add device' });
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What do you want to connect?' }).waitFor();
    await tabTo(page, { role: 'radio' });
    await page.keyboard.press('ArrowDown');
    assert.ok(await page.evaluate(() => document.activeElement.checked), 'an arrow key chooses the next platform');
    await page.getByRole('radio', { name: /^Mac/ }).focus(); // the arrows' order is the page's matter
    await page.keyboard.press('Space');
    await tabTo(page, { role: 'textbox', name: 'Name' });
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Keyboard only');
    await page.keyboard.press('Enter');
    await focusIsOn(page, 'What should go through the tunnel?');
    await tabTo(page, { role: 'radio' });
    await tabTo(page, { role: 'button', name: /^(Continue|Create)$/ });
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Set up Keyboard only' }).waitFor();
    await tabTo(page, { role: 'button', name: /^Download / });
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    assert.match(download.suggestedFilename(), /\.conf$/);
  });

  test('a dialog keeps focus inside, closes with Escape, and gives it back', async () => {
    const { page } = person;
    await tabTo(page, { role: 'link', name: 'Done' });
    await page.keyboard.press('Enter');
    await page.getByRole('article', { name: 'Keyboard only' }).waitFor();
    await tabTo(page, { role: 'button', name: 'Actions for Keyboard only' });
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.closest('[role=menu]'));
    await arrowTo(page, 'Revoke');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Revoke this device?' });
    await dialog.waitFor();
    await page.waitForFunction(() => document.activeElement.closest('[role=dialog]'));
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate(() => !!document.activeElement.closest('[role=dialog]')), 'focus left the dialog');
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.waitForFunction(
      () => document.activeElement?.getAttribute('aria-label') === 'Actions for Keyboard only',
    );
  });
});

/** Presses Tab until the focus is on such an element. */
async function tabTo(page, { role, name }) {
  const wanted = page.getByRole(role, name ? { name } : {});
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab');
    const reached = await wanted.evaluateAll((all) => all.includes(document.activeElement));
    if (reached) return;
  }
  assert.fail(`${most} times Tab did not reach ${role} ${name ?? ''}`);
}

/** Presses the down arrow until the focus is on that item of the open menu. */
async function arrowTo(page, name) {
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press('ArrowDown');
    const at = await page.evaluate(() => document.activeElement.textContent);
    if (at === name) return;
  }
  assert.fail(`the arrow did not reach ${name}`);
}

/** The heading of a step takes the focus, so that a screen reader reads it out. */
function focusIsOn(page, text) {
  return page.waitForFunction((t) => document.activeElement?.textContent === t, text);
}
