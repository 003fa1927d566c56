// Every page through axe-core, in both schemes, at both widths and in both languages: nothing serious, and nothing runs out of the page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newPerson } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { addDevice, demoAccount, enrolTotp, signIn } from './worker.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const pages = [
  '/',
  '/devices/new',
  '/devices/new?step=profile',
  '/security',
  '/admin',
  '/admin/people',
  '/admin/groups',
  '/admin/groups/everyone',
  '/admin/devices',
  '/admin/gateways',
  '/admin/gateways/new',
  '/admin/profiles',
  '/admin/profiles/new',
  '/admin/access',
  '/admin/access?edit=new',
  '/admin/access?tab=resources',
  '/admin/roles',
  '/admin/directories',
  '/admin/service-tokens',
  '/admin/second-factors',
  '/admin/openvpn',
  '/admin/providers',
  '/admin/providers?add=choose',
  '/admin/providers?add=entra',
  '/admin/providers/demo',
  '/admin/policy',
  '/admin/posture',
  '/reachability',
  '/requests',
  '/admin/audit',
  '/api/docs',
  '/no/such/page',
  '/sign-in?problem=sign_in_ended&id=0123456789abcdef',
];

const looks = [
  {
    name: 'desk, light, English',
    options: { viewport: { width: 1280, height: 800 }, colorScheme: 'light', locale: 'en-US' },
  },
  {
    name: 'phone, dark, Korean',
    options: { viewport: { width: 390, height: 844 }, colorScheme: 'dark', locale: 'ko-KR' },
  },
];

describe('accessibility', () => {
  let demo;
  let browser;
  let state;

  before(async () => {
    demo = await startDemo();
    browser = await launchBrowser();
    const { context, page } = await newPerson(browser, { bypassCSP: true, reducedMotion: 'reduce' });
    await signIn(page, demo.url, demoAccount('admin'));
    await page.getByRole('heading', { name: 'Protect your account' }).waitFor();
    await check(page, 'second factor');
    await enrolTotp(page);
    await addDevice(page, { platform: 'iPhone or iPad', name: 'Phone' });
    await check(page, 'file for a phone');
    await page.getByRole('link', { name: 'Done' }).click();
    await check(page, 'warning');
    await page.getByRole('button', { name: 'Leave anyway' }).click();
    await addDevice(page, { platform: 'Mac', name: 'Laptop' });
    await check(page, 'file for a laptop');
    await page.getByRole('button', { name: 'Copy the text' }).click();
    await addDevice(page, { platform: 'Linux server', name: 'Server' });
    await check(page, 'file for a server');
    await page.getByRole('button', { name: 'Copy the command' }).click();
    await page.getByRole('link', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Actions for Phone' }).click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await page.getByRole('dialog').waitFor();
    await check(page, 'revoke dialog');
    state = await context.storageState();
    await context.close();
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  for (const look of looks) {
    test(`nothing serious: ${look.name}`, async () => {
      const { context, page } = await newPerson(browser, {
        ...look.options,
        storageState: state,
        bypassCSP: true,
        reducedMotion: 'reduce',
      });
      for (const path of pages) {
        await page.goto(demo.url + path);
        await check(page, path);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${path} is ${over} px wider than the window`);
      }
      await context.close();
    });
  }
});

async function check(page, what) {
  await page.getByRole('heading').first().waitFor();
  await page.waitForFunction(settled);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary}`).join('\n   ')}`);
  assert.deepEqual(serious, [], what);
}

/** Nothing moves or fades any more: what is half-way has no contrast to measure. */
function settled() {
  const moving = document
    .getAnimations()
    .some((a) => a.playState === 'running' && a.effect?.getTiming().iterations !== Infinity);
  const faint = [...document.querySelectorAll('[role="dialog"], [role="menu"]')].some(
    (e) => getComputedStyle(e).opacity !== '1',
  );
  return !moving && !faint;
}
