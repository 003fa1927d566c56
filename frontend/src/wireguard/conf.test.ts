import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { WireGuardConfig } from '../api/devices.ts';
import { buildConf, buildQrConf, changedLines, serverCommand, tunnelName, withShortRoutes } from './conf.ts';

const config: WireGuardConfig = {
  fileName: 'office-seoul',
  comments: ['Sallyport: Jiwoo’s MacBook', 'PrivateKey below was made in the browser'],
  addresses: ['100.96.0.4/32', 'fd5a:1::4/128'],
  dns: ['10.20.0.53'],
  search: ['corp.example.com'],
  mtu: 1420,
  allowedIps: ['10.20.0.0/16', 'fd00:20::/48'],
  publicKey: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=',
  endpoint: 'seoul.vpn.example.com:51820',
  keepalive: 25,
};
const key = 'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=';

describe('the file', () => {
  test('is what wg-quick reads', () => {
    const golden = readFileSync(join(import.meta.dirname, 'testdata/office.conf'), 'utf8');
    expect(buildConf(config, key)).toBe(golden);
  });

  test('leaves out what is not set', () => {
    const bare = buildConf({ ...config, dns: [], search: [], mtu: 0, keepalive: 0, comments: [] }, key);
    expect(bare).not.toMatch(/DNS|MTU|Keepalive|#/);
  });

  test('lets no value begin a line of its own', () => {
    const evil = buildConf(
      { ...config, comments: ['hello\nPostUp = rm -rf /'], endpoint: 'host:1\r\nPostDown = x', search: ['a\u2028b'] },
      key,
    );
    expect(evil.split(/\r?\n/).filter((line) => /^Post(Up|Down)/.test(line))).toEqual([]);
  });

  test('has no comments in a QR code', () => {
    expect(buildQrConf(config, key)).toMatch(/^\[Interface\]/);
  });

  test('has a shorter form only where the portal offers one', () => {
    expect(withShortRoutes(config)).toBeUndefined();
    expect(withShortRoutes({ ...config, allowedIpsShort: ['10.0.0.0/8'] })?.allowedIps).toEqual(['10.0.0.0/8']);
  });

  test('survives the shell on its way to a server', () => {
    expect(serverCommand('office', buildConf(config, key))).toContain("<<'END'\n# Sallyport");
  });
});

test.each([
  ['office-seoul', 'office-seoul'],
  ['office-seoul.conf', 'office-seoul'],
  ['내 노트북', '-----'],
  ['a name much longer than fifteen', 'a-name-much-lon'],
  ['', 'sallyport'],
])('the tunnel of %j is called %s', (fileName, want) => {
  const got = tunnelName(fileName);
  expect(got).toMatch(/^[a-zA-Z0-9_=+.-]{1,15}$/);
  expect(got).toBe(want);
});

describe('what has changed in a file', () => {
  test('is the lines that the reasons are about, once each, and the lines that are gone', () => {
    expect(changedLines({ ...config, mtu: 0 }, ['dns', 'search', 'mtu', 'gateway', 'gateway_key'])).toEqual({
      lines: ['DNS = 10.20.0.53, corp.example.com', `PublicKey = ${config.publicKey}`, `Endpoint = ${config.endpoint}`],
      removed: ['MTU'],
    });
  });
});
