// What a person does, step by step, with elements found by role and label. Tests put the steps together; so does play.mjs for tests in Go.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { totp } from './totp.mjs';

/** Fills in the demo's own provider: one button for each account. */
export const demoAccount = (username) => async (page) => {
  await page
    .locator('form', { has: page.locator(`input[name="username"][value="${username}"]`) })
    .getByRole('button')
    .click();
};

/** From the sign-in page through the provider to the second factor. `atProvider` fills in the provider's own form. */
export async function signIn(page, url, atProvider = demoAccount('worker')) {
  await page.goto(url);
  await page
    .getByRole('link', { name: /^Continue with / })
    .first()
    .click();
  await atProvider(page);
  await page.waitForURL((at) => at.href.startsWith(url) && !at.pathname.startsWith('/demo-idp'));
}

/** Sets up an authenticator app and keeps the recovery codes. Returns the seed and the codes. */
export async function enrolTotp(page) {
  await page.getByRole('heading', { name: 'Protect your account' }).waitFor();
  const instead = page.getByRole('button', { name: 'Use an authenticator app instead' }); // offered where passkeys can be
  const key = page.getByRole('button', { name: /^Copy Key / });
  await instead.or(key).first().waitFor();
  if (await instead.isVisible()) await instead.click();
  const secret = (await key.textContent()).replace(/^Copy Key|\s/g, '');
  await page.getByLabel('Six-digit code').fill(totp(secret)); // the sixth digit sends it
  await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor();
  const recoveryCodes = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();
  await page.getByLabel('I have saved these codes in a safe place').check();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();
  return { secret, recoveryCodes };
}

/** Shows the second factor at a later sign-in, with a recovery code, which works at any time. */
export async function verifyRecovery(page, code) {
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** Walks through the wizard up to the page that gives the file. Without names it takes what is preselected. */
export async function addDevice(page, { platform = 'Linux', name, profile, protocol, region } = {}) {
  await page.getByRole('link', { name: 'My devices' }).first().click();
  await page.getByRole('link', { name: 'Add device' }).click();
  await page.getByRole('radio', { name: new RegExp(`^${platform}( This device)?$`) }).check();
  if (name) await page.getByLabel('Name').fill(name);
  const chosen = await page.getByLabel('Name').inputValue();
  await page.getByRole('button', { name: 'Continue' }).click();
  if (profile) await page.getByRole('radio', { name: new RegExp(`^${profile}`) }).check();
  if (protocol) await page.getByRole('radio', { name: new RegExp(`^${protocol}`) }).check();
  const next = page.getByRole('button', { name: /^(Continue|Create)$/ });
  if ((await next.innerText()) === 'Continue') {
    await next.click();
    await page.getByRole('heading', { name: 'Where do you want to connect?' }).waitFor();
    if (region) await page.getByRole('radio', { name: new RegExp(`^${region}`) }).check();
  }
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: `Set up ${chosen}` }).waitFor();
  return { name: chosen, id: /devices\/([^/]+)\/file/.exec(page.url())?.[1] };
}

/** Downloads the .conf or .ovpn of the page into dir. Returns its path and text. */
export async function downloadConf(page, dir) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Download .*\.(conf|ovpn)$/ }).click(),
  ]);
  const path = join(dir, download.suggestedFilename());
  await download.saveAs(path);
  return { path, text: readFileSync(path, 'utf8') };
}

/** Waits until the page has turned green by itself. */
export async function awaitGreen(page, timeout = 30_000) {
  await page.locator('[data-testid="first-handshake"][data-connected="true"]').waitFor({ timeout });
}

/** Revokes a device from the home page. */
export async function revoke(page, name) {
  await page.getByRole('link', { name: 'My devices' }).first().click();
  const card = page.getByRole('article', { name });
  await card.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await card.waitFor({ state: 'detached' });
}
