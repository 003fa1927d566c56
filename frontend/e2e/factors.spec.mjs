// Second factors in a real browser: passkeys with Chromium's virtual authenticator, recovery codes, policies, and a reset by an admin.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newPerson } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { enrolPasskey, signOut, virtualAuthenticator } from './passkey.mjs';
import { totp } from './totp.mjs';
import { demoAccount, enrolTotp, signIn, verifyRecovery } from './worker.mjs';

describe('second factors', () => {
  let demo;
  let browser;
  let worker;
  let admin;
  let key;
  let codes;
  const home = (person) => person.page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();

  before(async () => {
    demo = await startDemo();
    browser = await launchBrowser();
    worker = await newPerson(browser);
    key = await virtualAuthenticator(worker.page);
    admin = await newPerson(browser);
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test('a passkey is set up at the first visit', async () => {
    await signIn(worker.page, demo.url, demoAccount('worker'));
    codes = await enrolPasskey(worker.page);
    assert.equal(codes.length, 10);
    const kept = await key.credentials();
    assert.equal(kept.length, 1);
    assert.ok(kept[0].isResidentCredential);
    assert.equal(kept[0].rpId, 'localhost');
  });

  test('it signs in by itself, without the provider', async () => {
    const { page } = worker;
    await signOut(page);
    await page.goto(`${demo.url}/security`);
    const asked = [];
    page.on('request', (r) => asked.push(new URL(r.url()).pathname));
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('heading', { name: 'My security' }).waitFor();
    assert.deepEqual(
      asked.filter((path) => path.startsWith('/demo-idp') || path.startsWith('/auth/')),
      [],
    );
    const session = await (await worker.context.request.get(`${demo.url}/api/v1/session`)).json();
    assert.equal(session.stage, 'ready');
    assert.ok(Date.parse(session.freshUntil) > Date.now());
  });

  test('it is the second factor after the provider', async () => {
    const { page } = worker;
    await signOut(page);
    await signIn(page, demo.url, demoAccount('worker'));
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
    await key.recognise(false);
    await page.getByRole('button', { name: 'Use passkey' }).click();
    await page.getByText('No passkey was used.').waitFor();
    await key.recognise(true);
    await page.getByRole('button', { name: 'Use passkey' }).click();
    await home(worker);
  });

  test('it is shown again before what matters', async () => {
    const { page } = worker;
    await page.goto(`${demo.url}/security`);
    // The portal would ask after ten minutes; here its answer of then comes once at once.
    await page.route(
      '**/api/v1/factors/recovery-codes',
      (route) =>
        route.fulfill({
          status: 403,
          contentType: 'application/problem+json',
          body: JSON.stringify({ type: 'about:blank', title: 'Forbidden', status: 403, code: 'step_up_required' }),
        }),
      { times: 1 },
    );
    const before = await (await worker.context.request.get(`${demo.url}/api/v1/session`)).json();
    await page.getByRole('button', { name: 'Make new codes' }).click();
    const dialog = page.getByRole('dialog', { name: 'Confirm that it’s you' });
    await dialog.getByRole('button', { name: 'Use passkey' }).click();
    await page.getByRole('dialog', { name: 'Save your recovery codes' }).waitFor();
    codes = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();
    await page.getByLabel('I have saved these codes in a safe place').check();
    await page.getByRole('button', { name: 'Done' }).click();
    const now = await (await worker.context.request.get(`${demo.url}/api/v1/session`)).json();
    assert.ok(Date.parse(now.factorAt) > Date.parse(before.factorAt), 'the factor was not shown anew');
  });

  test('it is renamed, and can’t be removed while it is the only one', async () => {
    const { page } = worker;
    await page.getByRole('button', { name: /^Actions for Linux/ }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rename second factor' });
    await dialog.getByLabel('Name').fill('My <i>laptop</i>');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('My <i>laptop</i>').waitFor();
    await page.getByRole('button', { name: 'Actions for My <i>laptop</i>' }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    const ask = page.getByRole('dialog', { name: /^Remove/ });
    await ask.getByRole('button', { name: 'Remove' }).click();
    await ask.getByText('You must keep one second factor that is accepted.').waitFor();
    await ask.getByRole('button', { name: 'Cancel' }).click();
  });

  test('a recovery code stands for it once', async () => {
    const { page } = worker;
    await signOut(page);
    await signIn(page, demo.url, demoAccount('worker'));
    await verifyRecovery(page, codes[0]);
    await home(worker);
    await signOut(page);
    await signIn(page, demo.url, demoAccount('worker'));
    await verifyRecovery(page, codes[0]);
    await page.getByText('This code is not right.').waitFor();
    await verifyRecoveryAgain(page, codes[1]);
    await home(worker);
  });

  test('an admin accepts passkeys only, and is led from the app to a passkey', async () => {
    const { page } = admin;
    await virtualAuthenticator(page);
    await signIn(page, demo.url, demoAccount('admin'));
    const { secret } = await enrolTotp(page);
    await page.goto(`${demo.url}/admin/second-factors`);
    await page.getByRole('button', { name: 'Actions for Everyone' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog', { name: 'Second factors of Everyone' });
    await dialog.getByLabel('Authenticator apps').uncheck();
    await dialog.getByText('then set up a passkey').waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Protect your account' }).waitFor();
    await page.getByRole('button', { name: 'Set up a passkey' }).click();
    await page.getByRole('heading', { name: 'Second factors', level: 1 }).waitFor(); // back, without recovery codes: there are some
    await page.getByRole('cell', { name: 'Passkeys, Recovery codes' }).waitFor();
    const refused = await admin.context.request.post(`${demo.url}/api/v1/session/totp`, {
      data: { code: totp(secret) },
    });
    assert.equal((await refused.json()).code, 'factor_not_accepted');
  });

  test('an admin resets a person, who sets up a new one', async () => {
    const { page } = admin;
    await page.getByRole('navigation', { name: 'Main' }).first().getByRole('link', { name: 'People' }).click();
    await page.getByRole('link', { name: /Wendy Worker/ }).click();
    await page.getByText('My <i>laptop</i>').waitFor();
    await page.getByRole('button', { name: 'Reset second factor' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reset second factor' }).click();
    await page.getByText('No second factor is set up.').waitFor();
    await worker.page.waitForURL(/\/sign-in/, { timeout: 15_000 });
    await worker.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await worker.page.getByText('This passkey’s answer could not be trusted.').waitFor();
    await signIn(worker.page, demo.url, demoAccount('worker'));
    await enrolPasskey(worker.page);
    const trail = await (await admin.context.request.get(`${demo.url}/api/v1/audit`)).json();
    assert.ok(trail.items.some((e) => e.action === 'user.reset_factors'));
  });

  test('leaves no complaint on the console', () => {
    assert.deepEqual([...worker.complaints, ...admin.complaints], []);
  });
});

describe('a group with time to set up a second factor', () => {
  let demo;
  let browser;
  before(async () => {
    demo = await startDemo();
    browser = await launchBrowser();
    const { page, context } = await newPerson(browser);
    await virtualAuthenticator(page);
    await signIn(page, demo.url, demoAccount('admin'));
    await enrolPasskey(page);
    const set = await context.request.put(`${demo.url}/api/v1/factor-policies/everyone`, {
      data: { required: true, accepted: ['passkey', 'totp', 'recovery'], graceDays: 7, passkeyDays: 30 },
    });
    assert.equal(set.status(), 204);
    await context.close();
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test('lets a new person into the portal, and asks for the factor before the first tunnel', async () => {
    const { page, complaints } = await newPerson(browser);
    await virtualAuthenticator(page);
    await signIn(page, demo.url, demoAccount('worker'));
    await page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();
    await page.getByText(/^You can use the portal without one until /).waitFor();
    await page.getByRole('link', { name: 'Add device' }).first().click();
    await page.getByRole('radio', { name: /^Linux( This device)?$/ }).check();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Create' }).click();
    const dialog = page.getByRole('dialog', { name: 'Confirm that it’s you' });
    await dialog.getByRole('link', { name: 'Set up a second factor' }).click();
    await enrolPasskey(page, 'Add a device');
    await page.goto(demo.url);
    await page.getByRole('link', { name: 'Add device' }).first().waitFor();
    assert.equal(await page.getByText(/^You can use the portal without one until /).count(), 0);
    assert.deepEqual(complaints, []);
  });
});

/** The field is open already. */
async function verifyRecoveryAgain(page, code) {
  await page.getByLabel('Recovery code').fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
}
