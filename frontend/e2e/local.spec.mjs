// Break glass: the identity provider is down, and somebody gets in all the same, with a local account of the command line.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newPerson } from './browser.mjs';
import { enrolPasskey, signOut, virtualAuthenticator } from './passkey.mjs';
import { startServe } from './serve.mjs';

describe('a local account, while the provider is down', () => {
  let portal;
  let browser;
  let person;
  const password = 'a few words nobody says';

  before(async () => {
    portal = await startServe();
    portal.command(['user', 'add', 'root', '--name', 'Break Glass'], `${password}\n`);
    browser = await launchBrowser();
    person = await newPerson(browser);
    await virtualAuthenticator(person.page);
  });
  after(async () => {
    await browser?.close();
    await portal?.stop();
  });

  const local = async (username, typed) => {
    const { page } = person;
    await page.getByRole('button', { name: 'Local sign-in' }).click();
    const form = page.getByRole('form', { name: 'Local sign-in' });
    await form.getByLabel('Username').fill(username);
    await form.getByLabel('Password').fill(typed);
    await form.getByRole('button', { name: 'Continue' }).click();
    return form;
  };

  test('the provider does not answer', async () => {
    await person.page.goto(portal.url);
    await person.page.getByRole('link', { name: 'Continue with Corp' }).click();
    await person.page.getByText('The identity provider does not answer.').waitFor();
  });

  test('a wrong password and an unknown name get the same words', async () => {
    const form = await local('root', 'not the password');
    await form.getByText('Username or password is not right.').waitFor();
    await person.page.reload();
    await (await local('nobody', 'not the password')).getByText('Username or password is not right.').waitFor();
  });

  test('the right one leads to a second factor, which it must set up', async () => {
    await person.page.goto(`${portal.url}/sign-in`);
    await local('root', password);
    await enrolPasskey(person.page);
    await person.page.getByRole('link', { name: 'People' }).first().waitFor(); // an owner
  });

  test('the command line shows it, and resets the factor', async () => {
    assert.match(portal.command(['user', 'list']), /root\s+Break Glass\s+owner\s+active\s+passkey/);
    portal.command(['user', 'reset-factors', 'root']);
    await person.page.reload();
    await person.page.waitForURL(/\/sign-in/);
    await local('root', password);
    await enrolPasskey(person.page);
  });

  test('its use stands out in the audit trail', async () => {
    const { page } = person;
    await page.goto(`${portal.url}/admin/audit`);
    await page
      .getByText(/signed in with a local account/)
      .first()
      .waitFor();
  });

  test('a disabled one does not get in', async () => {
    portal.command(['user', 'add', 'second'], `${password}\n`); // the last owner can't be disabled
    await signOut(person.page);
    portal.command(['user', 'disable', 'root']);
    await (await local('root', password)).getByText('Username or password is not right.').waitFor();
  });

  test('leaves no complaint on the console', () => {
    assert.deepEqual(person.complaints, []);
  });
});
