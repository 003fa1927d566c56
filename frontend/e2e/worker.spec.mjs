// The worker's journey in a real browser against a real `sallyport demo`.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newPerson } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { formsOf, watchRequests } from './watch.mjs';
import { addDevice, demoAccount, downloadConf, enrolTotp, revoke, signIn, verifyRecovery } from './worker.mjs';

describe('a worker', () => {
  let demo;
  let browser;
  let person;
  let watch;
  let factor;
  let device;
  let conf;

  before(async () => {
    demo = await startDemo();
    browser = await launchBrowser();
    person = await newPerson(browser);
    watch = watchRequests(person.context);
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test('signs in with the provider and sets up a second factor', async () => {
    await signIn(person.page, demo.url, demoAccount('worker'));
    factor = await enrolTotp(person.page);
    assert.equal(factor.recoveryCodes.length, 10);
    assert.equal(new Set(factor.recoveryCodes).size, 10);
    await person.page.getByRole('heading', { name: 'Add your first device' }).waitFor();
  });

  test('adds a device and downloads a file that wg-quick takes', async () => {
    device = await addDevice(person.page, { platform: 'Linux', name: 'Test laptop' });
    conf = await downloadConf(person.page, mkdtempSync(join(tmpdir(), 'sallyport-conf-')));
    assert.match(conf.path, /\/[a-zA-Z0-9_=+.-]{1,15}\.conf$/);
    assert.match(conf.text, /^\[Interface\]\nPrivateKey = [A-Za-z0-9+/]{43}=\nAddress = /m);
    assert.match(conf.text, /^\[Peer\]\nPublicKey = [A-Za-z0-9+/]{43}=\nAllowedIPs = .+\nEndpoint = .+$/m);
    assert.equal(await person.page.getByText('Waiting for the first connection…').count(), 1);
    // The portal writes the same file, but for the key that it does not have.
    const plain = await person.context.request.get(`${demo.url}/api/v1/devices/${device.id}/config`, {
      headers: { Accept: 'text/plain' },
    });
    assert.equal(
      conf.text.replace(/^PrivateKey = .*$/m, 'PrivateKey = REPLACE-WITH-YOUR-PRIVATE-KEY'),
      await plain.text(),
    );
  });

  test('never sends or keeps the private key', async () => {
    const key = /PrivateKey = (\S+)/.exec(conf.text)[1];
    assert.ok(watch.requests.length > 20, `only ${watch.requests.length} requests were seen`);
    assert.deepEqual(await watch.carrying(...formsOf(key)), []);
    // The watcher itself works: it does see the public key go out.
    const publicKey = (await (await person.context.request.get(`${demo.url}/api/v1/devices/${device.id}`)).json())
      .publicKey;
    assert.deepEqual(await watch.carrying(publicKey), [`POST ${demo.url}/api/v1/devices`]);
    const kept = JSON.stringify(await person.context.storageState({ indexedDB: true }));
    const session = await person.page.evaluate(() => JSON.stringify(sessionStorage));
    for (const form of formsOf(key))
      assert.ok(!kept.includes(form) && !session.includes(form), 'the key is in storage');
  });

  test('asks nothing of third parties', () => {
    assert.deepEqual(watch.elsewhere(demo.url), []);
  });

  test('is warned before an unsaved key is lost, and makes a new one', async () => {
    const { page } = person;
    await addDevice(page, { platform: 'Android', name: 'Test phone' });
    await page.getByRole('img', { name: 'QR code of the tunnel, for the WireGuard app' }).waitFor();
    await page.getByRole('link', { name: 'Done' }).click();
    const warning = page.getByRole('dialog', { name: 'You haven’t saved this yet' });
    await warning.getByRole('button', { name: 'Stay here' }).click();
    await warning.waitFor({ state: 'hidden' });
    const before = await page
      .getByRole('img', { name: /^QR code/ })
      .locator('path')
      .getAttribute('d');
    await page.getByRole('button', { name: 'Make a new key' }).click();
    await page.waitForFunction(
      (old) => document.querySelector('svg[data-version] path')?.getAttribute('d') !== old,
      before,
    );
    await page.getByRole('link', { name: 'Done' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Leave anyway' }).click();
    await page.getByRole('article', { name: 'Test phone' }).waitFor();
  });

  test('can’t get the file again, and is told why', async () => {
    const { page } = person;
    await page.getByRole('button', { name: 'Actions for Test phone' }).click();
    await page.getByRole('menuitem', { name: 'Get the file again' }).click();
    await page.getByText('The file can’t be shown again').waitFor();
    await page.getByRole('link', { name: 'Cancel' }).click();
  });

  test('renames and renews', async () => {
    const { page } = person;
    await page.getByRole('button', { name: 'Actions for Test phone' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rename device' });
    await dialog.getByLabel('Name').fill('Pocket <b>phone</b>');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('article', { name: 'Pocket <b>phone</b>' }).waitFor();
    await page.getByRole('button', { name: 'Renew' }).click();
    await page.getByText('Renewed 2 devices').waitFor();
  });

  test('revokes a device', async () => {
    await revoke(person.page, 'Test laptop');
    const answer = await person.context.request.get(`${demo.url}/api/v1/devices/${device.id}`);
    assert.equal(answer.status(), 404);
  });

  test('signs out, and comes back with a recovery code to where they were', async () => {
    const { page } = person;
    await page
      .getByRole('button', { name: /^Account and settings/ })
      .first()
      .click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await page.goto(`${demo.url}/security`);
    await page.getByRole('link', { name: /^Continue with / }).click();
    await demoAccount('worker')(page);
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
    await verifyRecovery(page, factor.recoveryCodes[0]);
    await page.getByRole('heading', { name: 'My security' }).waitFor();
    await page.getByText('9 codes left').waitFor();
  });

  test('makes a token and deletes it', async () => {
    const { page } = person;
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name').fill('backup script');
    await page.getByRole('radio', { name: 'Only what I choose' }).check();
    await page.getByRole('checkbox', { name: 'See my devices and profiles' }).check();
    await page.getByRole('button', { name: 'Create' }).click();
    const secret = await page.getByRole('dialog').locator('pre').innerText();
    assert.match(secret, /^sp_/);
    const headers = { Authorization: `Bearer ${secret}` };
    const answer = await fetch(`${demo.url}/api/v1/devices`, { headers });
    assert.equal(answer.status, 200);
    const beyond = await fetch(`${demo.url}/api/v1/devices/none`, { method: 'DELETE', headers });
    assert.equal(beyond.status, 403);
    assert.equal((await beyond.json()).code, 'forbidden');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Delete backup script' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('You have no tokens.').waitFor();
  });

  test('leaves no complaint on the console', () => {
    assert.deepEqual(person.complaints, []);
  });
});
