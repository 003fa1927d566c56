// The admin's journey: profile, access, gateway, people, devices, audit.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newPerson } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { addDevice, demoAccount, downloadConf, enrolTotp, signIn } from './worker.mjs';

describe('an admin', () => {
  let demo;
  let browser;
  let admin;
  let worker;
  const go = (name) =>
    admin.page.getByRole('navigation', { name: 'Main' }).first().getByRole('link', { name, exact: true }).click();

  before(async () => {
    demo = await startDemo();
    browser = await launchBrowser();
    worker = await newPerson(browser);
    await signIn(worker.page, demo.url, demoAccount('worker'));
    await enrolTotp(worker.page);
    await addDevice(worker.page, { platform: 'Linux', name: 'Wendy laptop' });
    await downloadConf(worker.page, mkdtempSync(join(tmpdir(), 'sallyport-conf-')));
    await worker.page.getByRole('link', { name: 'Done' }).click();
    await worker.page.getByRole('article', { name: 'Wendy laptop' }).waitFor();
    admin = await newPerson(browser);
    await signIn(admin.page, demo.url, demoAccount('admin'));
    await enrolTotp(admin.page);
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test('sees the overview', async () => {
    await go('Overview');
    await admin.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await admin.page.getByText('Nothing. Every gateway runs what it should.').waitFor();
    await admin.page
      .getByText(/added the device/)
      .first()
      .waitFor();
  });

  test('a worker has none of this', async () => {
    assert.equal(await worker.page.getByRole('link', { name: 'Overview' }).count(), 0);
    await worker.page.goto(`${demo.url}/admin/people`);
    await worker.page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();
    const answer = await worker.context.request.get(`${demo.url}/api/v1/people`);
    assert.equal(answer.status(), 403);
  });

  test('suspends a device, and the worker sees it without a reload', async () => {
    const { page } = admin;
    await go('Devices');
    await page.getByRole('searchbox', { name: 'Search by name or address' }).fill('Wendy');
    await page.getByRole('button', { name: 'Actions for Wendy laptop' }).click();
    await page.getByRole('menuitem', { name: 'Suspend' }).click();
    const dialog = page.getByRole('dialog', { name: 'Suspend Wendy laptop?' });
    await dialog.getByText('This cuts no tunnel.').waitFor();
    await dialog.getByRole('button', { name: 'Suspend' }).click();
    await page.getByRole('cell', { name: 'Suspended' }).waitFor();
    await worker.page.getByRole('heading', { name: 'Blocked' }).waitFor();
    await page.getByRole('button', { name: 'Actions for Wendy laptop' }).click();
    await page.getByRole('menuitem', { name: 'Resume' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await worker.page.getByRole('heading', { name: 'Ready to connect' }).waitFor();
  });

  test('makes a profile with a preview of its routes', async () => {
    const { page } = admin;
    await go('Profiles');
    await page.getByRole('link', { name: 'New profile' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Lab');
    await page.getByRole('combobox', { name: 'Networks', exact: true }).fill('10.99.0.0/24');
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'Except', exact: true }).fill('10.99.0.128/25');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary').getByText('10.99.0.0/25').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Profiles', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Lab' }).waitFor();
    const list = await (await admin.context.request.get(`${demo.url}/api/v1/profiles?scope=all`)).json();
    assert.deepEqual(list.items.find((p) => p.name === 'Lab').routes, ['10.99.0.0/25']);
  });

  test('changes a profile: files are out of date, and new devices wait for approval', async () => {
    const { page } = admin;
    await go('Profiles');
    await page.getByRole('link', { name: /^Company networks/ }).click();
    await page.getByLabel('MTU', { exact: true }).fill('1380');
    await page.getByRole('switch', { name: 'New devices wait for approval' }).click();
    await page.getByText('1 device needs the new file.').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Profiles', level: 1 }).waitFor();
    const card = worker.page.getByRole('article', { name: 'Wendy laptop' });
    await card.getByText('packet size (MTU)').waitFor();
    await card.getByRole('link', { name: 'Get the new file' }).click();
    await worker.page.getByText('Keep the key and change the tunnel by hand').click();
    await worker.page.getByText('MTU = 1380', { exact: true }).waitFor();
    await worker.page.getByRole('button', { name: 'I have changed it' }).click();
    await card.waitFor();
    await card.getByText('packet size (MTU)').waitFor({ state: 'hidden' });

    await addDevice(worker.page, { platform: 'Mac', name: 'Wendy Mac', profile: 'Company networks' });
    await worker.page.getByText('Waiting for approval…').waitFor();
    await worker.page.getByRole('button', { name: 'Copy the text' }).click();
    await worker.page.getByRole('link', { name: 'Done' }).click();
    await go('Overview');
    await page.getByRole('link', { name: '1 device waits for approval' }).click();
    await page.getByRole('button', { name: 'Approve Wendy Mac' }).click();
    await page.getByRole('dialog', { name: 'Approve Wendy Mac?' }).getByRole('button', { name: 'Approve' }).click();
    await page.getByText('No device found').waitFor();
    await worker.page.getByRole('article', { name: 'Wendy Mac' }).getByText('Ready').waitFor();
  });

  test('writes a rule that reads as a sentence', async () => {
    const { page } = admin;
    await go('Access');
    await page.getByText('Resources', { exact: true }).click();
    await page.getByRole('button', { name: 'New resource' }).click();
    const thing = page.getByRole('dialog', { name: 'New resource' });
    await thing.getByLabel('Name', { exact: true }).fill('Git servers');
    await thing.getByRole('combobox', { name: 'Prefixes', exact: true }).fill('10.99.0.10/32');
    await page.keyboard.press('Enter');
    await thing.getByRole('textbox', { name: 'Ports' }).fill('22, 443');
    await thing.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('cell', { name: 'tcp/22, 443' }).waitFor();
    await page.getByText('Rules', { exact: true }).first().click();
    await page.getByRole('button', { name: 'New rule' }).click();
    const rule = page.getByRole('dialog', { name: 'New rule' });
    await rule.getByRole('combobox', { name: 'Groups', exact: true }).click();
    await page.getByRole('option', { name: /everyone/i }).click();
    await rule.getByRole('combobox', { name: 'Resources', exact: true }).fill('Git'); // a click could meet the list of the field above
    await page.getByRole('option', { name: 'Git servers' }).click();
    await rule.getByLabel('Name', { exact: true }).fill('Git for all');
    await rule.getByLabel('Why', { exact: true }).fill('Daily work');
    await rule.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/everyone may reach Git servers \(tcp\/22, 443\)/i).waitFor();
  });

  test('refuses what a worker asks for, with a note, and then approves it until the worker ends it', async () => {
    const { page } = admin;
    const ask = async (why) => {
      await worker.page.getByRole('combobox', { name: 'What you need', exact: true }).click();
      await worker.page.getByRole('option', { name: 'Git servers' }).click();
      await worker.page.getByLabel('What you need it for').fill(why);
      await worker.page.getByRole('button', { name: 'Send the request' }).click();
    };
    await go('Access');
    await page.getByText('Resources', { exact: true }).click();
    await page.getByRole('button', { name: 'Edit Git servers' }).click();
    const thing = page.getByRole('dialog', { name: 'Edit resource' });
    await thing.getByRole('switch', { name: 'People may ask for it for a while' }).click();
    await thing.getByText('Nobody’s access changes.').waitFor();
    await thing.getByRole('button', { name: 'Save' }).click();
    await thing.waitFor({ state: 'hidden' });
    await worker.page.getByRole('link', { name: 'Temporary access' }).first().click();
    await ask('A look at the logs');
    await page
      .getByRole('link', { name: /^Temporary access/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Refuse Git servers for Wendy Worker' }).click();
    const refusal = page.getByRole('dialog', { name: 'Refuse Git servers for Wendy Worker?' });
    await refusal.getByLabel('Note for Wendy Worker (optional)').fill('Not today');
    await refusal.getByRole('button', { name: 'Refuse' }).click();
    await worker.page.getByText('Note: Not today').waitFor();
    await ask('The logs, and it is tomorrow');
    await page.getByRole('button', { name: 'Approve Git servers for Wendy Worker' }).click();
    await worker.page.getByRole('button', { name: 'End now' }).click();
    const end = worker.page.getByRole('dialog', { name: 'End access to Git servers now?' });
    await end.getByRole('button', { name: 'End now' }).click();
    await worker.page.getByText('Ended early').waitFor();
    assert.equal(await worker.page.getByRole('button', { name: 'End now' }).count(), 0);
  });

  test('adds a gateway in a new place, drains nothing, and retires it by typing its name', async () => {
    const { page } = admin;
    await go('Gateways');
    await page.getByRole('link', { name: 'Add gateway' }).click();
    await page.getByLabel('Place', { exact: true }).selectOption({ label: 'A new place' });
    await page.getByLabel('Name of the place').fill('Busan');
    await page.getByLabel('Country').fill('kr');
    await page.getByRole('combobox', { name: 'Networks behind it', exact: true }).fill('10.99.0.0/24');
    await page.keyboard.press('Enter');
    await page.getByLabel('Name', { exact: true }).fill('busan-1');
    await page.getByLabel('Public name or address').fill('busan.vpn.example.com');
    await page.getByRole('button', { name: 'Create and show the command' }).click();
    await page.getByText('Waiting for the node…').waitFor();
    assert.match(await page.locator('pre').innerText(), /sallyport-gateway/);
    await page.getByRole('link', { name: 'Done' }).click();
    await page.getByRole('heading', { name: 'Busan · South Korea' }).waitFor();
    await page.getByRole('button', { name: 'Actions for busan-1' }).click();
    await page.getByRole('menuitem', { name: 'Retire' }).click();
    const dialog = page.getByRole('dialog', { name: 'Retire busan-1?' });
    assert.ok(await dialog.getByRole('button', { name: 'Retire' }).isDisabled());
    await dialog.getByLabel('Type “busan-1” to confirm').fill('busan-1');
    await dialog.getByRole('button', { name: 'Retire' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Actions for busan-1' }).waitFor({ state: 'detached' });
  });

  test('tests an identity provider before it is saved, and then people sign in with it', async () => {
    const { page } = admin;
    await go('Settings');
    await page.getByRole('link', { name: 'Add provider' }).click();
    await page.getByRole('link', { name: /^Another provider/ }).click();
    await page.getByLabel('Name', { exact: true }).fill('Partner');
    await page.getByLabel('Issuer').fill(`${demo.url}/partner-idp`);
    await page.getByLabel('Client ID').fill('sallyport');
    await page.getByLabel('Client secret').fill('partner-demo');
    await page.getByLabel('Claim with the groups').fill('groups');
    await page.getByRole('button', { name: `Copy Redirect URI ${demo.url}/auth/callback/partner` }).waitFor();
    await page.getByRole('button', { name: 'More settings' }).click();
    await page.getByLabel('Claim that people are known by').fill('email');
    await page.getByRole('button', { name: 'Test these settings' }).click();
    await page.getByText('nobody may be known by it').waitFor(); // said at the field, by its pointer
    await page.getByLabel('Claim that people are known by').fill('');
    await page.getByRole('button', { name: 'Test these settings' }).click();
    const [tab] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Sign in at the provider' }).click(),
    ]);
    await demoAccount('guest')(tab);
    for (const at of [tab, page]) {
      await at.getByText('This person would be added at their first sign-in.').waitFor();
      await at.getByRole('row', { name: 'groups ["partners"]' }).waitFor();
    }
    assert.equal((await tab.content()).includes('partner-demo'), false);
    await tab.close();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /^Partner .* Nobody/ }).waitFor(); // the test opened no session
    const guest = await newPerson(browser);
    await guest.page.goto(demo.url);
    await guest.page.getByRole('link', { name: 'Continue with Partner' }).click();
    await demoAccount('guest')(guest.page);
    await guest.page.getByRole('heading', { name: 'Protect your account' }).waitFor();
    await guest.context.close();
  });

  test('connects a second account, disconnects it, and keeps the last way in', async () => {
    const { page } = admin;
    const accounts = page.locator('section', { has: page.getByRole('heading', { name: 'Connected accounts' }) });
    const connect = async (username) => {
      await page.getByRole('button', { name: 'Connect another' }).click();
      await page.getByRole('menuitem', { name: 'Connect Partner' }).click();
      await demoAccount(username)(page);
    };
    await go('My security');
    await accounts.getByText('The only one, so it stays.').waitFor();
    await connect('guest');
    await accounts.getByText('This account belongs to somebody else here already.').waitFor();
    await connect('second');
    await page.getByText('Partner is connected').waitFor();
    await accounts.getByText('partner-second').waitFor();
    await accounts.getByRole('button', { name: 'Disconnect Partner' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await accounts.getByText('partner-second').waitFor({ state: 'detached' });
    assert.equal(await accounts.getByRole('button', { name: /^Disconnect/ }).count(), 0);
  });

  test('deletes the provider by typing its name, and its button is gone', async () => {
    const { page } = admin;
    await go('Settings');
    await page.getByRole('button', { name: 'Actions for Partner' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete Partner?' });
    await dialog.getByText('It ends 1 session (1 person).').waitFor();
    await dialog.getByLabel('Type “Partner” to confirm').fill('Partner');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('row', { name: /^Partner/ }).waitFor({ state: 'detached' });
    const ways = await (await admin.context.request.get(`${demo.url}/api/v1/sign-in`)).json();
    assert.deepEqual(
      ways.providers.map((p) => p.id),
      ['demo'],
    );
  });

  test('makes a group, adds a member, and sees who says so', async () => {
    const { page } = admin;
    await go('Groups');
    await page.getByRole('button', { name: 'New group' }).click();
    await page.getByRole('dialog', { name: 'New group' }).getByLabel('Name').fill('On call');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'On call', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Add member' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a member to On call' });
    await dialog.getByRole('combobox', { name: 'Person' }).fill('wendy');
    await page.getByRole('option', { name: /^Wendy Worker/ }).click();
    await dialog.getByRole('button', { name: 'Add member' }).click();
    await page.getByRole('row', { name: /Wendy Worker.*Set here/ }).waitFor();
    await page.getByRole('link', { name: /Wendy Worker/ }).click();
    await page.getByRole('listitem').filter({ hasText: 'On call set here' }).waitFor();
  });

  test('gives a role and takes it, and the last owner stays one', async () => {
    const { page } = admin;
    await go('Settings');
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Roles' }).click();
    await page.getByRole('button', { name: 'Give role' }).click();
    const give = page.getByRole('dialog', { name: 'Give a role' });
    await give.getByRole('combobox', { name: 'Person' }).fill('wendy');
    await page.getByRole('option', { name: /^Wendy Worker/ }).click();
    await give.getByRole('combobox', { name: 'New role' }).selectOption('auditor');
    await give.getByRole('button', { name: 'Give role' }).click();
    await worker.page.getByRole('link', { name: 'Audit' }).first().waitFor(); // her menu grows by itself
    await page.getByRole('button', { name: 'Change role of Wendy Worker' }).click();
    const take = page.getByRole('dialog', { name: 'Change the role of Wendy Worker' });
    await take.getByRole('button', { name: 'Take the role' }).click();
    await page.getByRole('button', { name: 'Change role of Wendy Worker' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Change role of Adam Admin' }).click();
    const own = page.getByRole('dialog', { name: 'Change the role of Adam Admin' });
    await own.getByRole('button', { name: 'Take the role' }).click();
    await own.getByText('This is the last owner of the portal.').waitFor();
    await own.getByRole('button', { name: 'Cancel' }).click();
  });

  test('makes a service token that works until it is revoked', async () => {
    const { page } = admin;
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Service tokens' }).click();
    await page.getByRole('button', { name: 'New service token' }).click();
    const dialog = page.getByRole('dialog', { name: 'New service token' });
    await dialog.getByLabel('Name').fill('Monitoring');
    await dialog.getByRole('checkbox', { name: 'See gateways and places' }).check();
    await dialog.getByRole('button', { name: 'Create' }).click();
    const secret = await dialog.getByText(/^sp_svc_/).innerText();
    await dialog.getByRole('button', { name: 'Done' }).click();
    const ask = async (path) => {
      const headers = { Authorization: `Bearer ${secret}` };
      return (await fetch(`${demo.url}/api/v1${path}`, { headers })).status;
    };
    assert.deepEqual(await Promise.all([ask('/gateways'), ask('/people')]), [200, 403]);
    await page.getByRole('button', { name: 'Revoke Monitoring' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('No service tokens').waitFor();
    assert.equal(await ask('/gateways'), 401);
  });

  test('suspends a person, whose session ends at once', async () => {
    const { page } = admin;
    await go('People');
    await page.getByRole('link', { name: /Wendy Worker/ }).click();
    await page.getByRole('heading', { name: 'Wendy Worker', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Suspend' }).click();
    const dialog = page.getByRole('dialog', { name: 'Suspend Wendy Worker?' });
    await dialog.getByText(/^This cuts (no|\d+) tunnels?\.$/).waitFor();
    await dialog.getByRole('button', { name: 'Suspend' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await worker.page.waitForURL(/\/sign-in/, { timeout: 15_000 });
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Suspend' }).waitFor();
  });

  test('finds all of it in the audit trail', async () => {
    const { page } = admin;
    await go('Audit');
    await page
      .getByText(/retired the gateway/)
      .first()
      .waitFor();
    await page.getByRole('searchbox', { name: 'Search the trail' }).fill('busan');
    await page.getByText('Adam Admin added the gateway busan-1').waitFor();
    await page
      .getByText(/^Details/)
      .first()
      .click();
    await page.getByText('Request id').first().waitFor();
    const saved = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Save as CSV' }).click();
    assert.match((await saved).suggestedFilename(), /^audit-.*\.csv$/);
    await page.getByRole('button', { name: 'Prove that it is whole' }).click();
    await page.getByText(/events are as they were written/).waitFor();
  });

  test('reads the API reference', async () => {
    const { page } = admin;
    await page.goto(`${demo.url}/api/docs`);
    await page.getByRole('heading', { name: 'Add a device', level: 3, exact: true }).waitFor();
    await page.getByRole('searchbox', { name: 'Search the reference' }).fill('renew');
    await page.getByRole('heading', { name: 'Renew all your devices' }).waitFor();
    await page.getByText('/api/v1/grants/renew').first().waitFor();
  });

  test('signs out everywhere, here too', async () => {
    const { page } = admin;
    await page.goto(`${demo.url}/security`);
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sign out everywhere?' });
    await dialog.getByRole('checkbox', { name: 'This browser too' }).check();
    await dialog.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.waitForURL((at) => !at.pathname.startsWith('/security'));
    const answer = await admin.context.request.get(`${demo.url}/api/v1/session`);
    assert.equal(answer.status(), 401);
  });

  test('leaves no complaint on the console', () => {
    assert.deepEqual(admin.complaints, []);
  });
});
