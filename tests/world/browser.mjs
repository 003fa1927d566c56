// Plays the worker in a real browser for the Go tests: one JSON object a line on stdin, one answer a line on stdout, until stdin ends.
// The steps are those of frontend/e2e; what is ours is the provider's form and a certificate that nobody knows.
import { createInterface } from 'node:readline'
import { launchBrowser, newPerson } from '../../frontend/e2e/browser.mjs'
import { formsOf, watchRequests } from '../../frontend/e2e/watch.mjs'
import * as worker from '../../frontend/e2e/worker.mjs'

const browser = await launchBrowser()
const { page, context, complaints } = await newPerson(browser, { ignoreHTTPSErrors: true })
const watch = watchRequests(context)

const deeds = {
  async signIn({ url, name }) {
    await worker.signIn(page, url, async () => {
      await page.locator('input[name="login"]').fill(name)
      await page.locator('input[name="password"]').fill('any')
      await page.locator('[type="submit"]').click()
      const consent = page.locator('input[name="prompt"][value="consent"]')
      await consent.waitFor({ state: 'attached' })
      await page.locator('[type="submit"]').click()
    })
  },
  enrolTotp: () => worker.enrolTotp(page),
  addDevice: (wish) => worker.addDevice(page, wish),
  downloadConf: ({ dir }) => worker.downloadConf(page, dir),
  awaitGreen: ({ timeout }) => worker.awaitGreen(page, timeout),
  async qr({ path }) {
    await page.getByRole('img', { name: /^QR code/ }).screenshot({ path })
  },
  async revoke({ name }) {
    let clickedAt
    page.on('request', (r) => {
      if (r.method() === 'DELETE' && r.url().includes('/api/v1/devices/')) clickedAt = Date.now()
    })
    await worker.revoke(page, name)
    return { clickedAt }
  },
  // Requests of the whole journey that had the key in them, in any form; and how many requests there were.
  carrying: async ({ key }) => ({ carrying: await watch.carrying(...formsOf(key)), requests: watch.requests.length }),
  complaints: async () => ({ complaints }),
}

try {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: deed, ...wish } = JSON.parse(line)
    console.log(JSON.stringify(await attempt(deed, wish)))
  }
} finally {
  await browser.close()
}

async function attempt(deed, wish) {
  try {
    return { ok: true, ...(await deeds[deed](wish)) }
  } catch (err) {
    return { ok: false, error: `${deed} at ${page.url()}: ${err?.message ?? err}` }
  }
}
