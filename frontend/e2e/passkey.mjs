// A passkey of this device, in software: Chromium's virtual authenticator, and what a person does with it.

/** Gives a page's browser an authenticator that verifies its person without asking. */
export async function virtualAuthenticator(page) {
  const client = await page.context().newCDPSession(page);
  await client.send('WebAuthn.enable');
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    credentials: async () => (await client.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    /** The person is recognised, or not: a wrong finger. */
    recognise: (isUserVerified) => client.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}

/** Sets up a passkey at the first visit and keeps the recovery codes, up to the page named `then`. Returns the codes. */
export async function enrolPasskey(page, then = 'My devices') {
  await page.getByRole('heading', { name: 'Protect your account' }).waitFor();
  await page.getByRole('button', { name: 'Set up a passkey' }).click();
  await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor();
  const codes = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();
  await page.getByLabel('I have saved these codes in a safe place').check();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: then, level: 1 }).waitFor();
  return codes;
}

export async function signOut(page) {
  await page
    .getByRole('button', { name: /^Account and settings/ })
    .first()
    .click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByText('You are signed out.').waitFor();
}
