// Sees every request of a browser context, to prove what is not in any of them.

/** Begins to record. Ask `carrying(needle…)` later for the requests that had any of the needles in address, headers or body. */
export function watchRequests(context) {
  const seen = [];
  context.on('request', (request) => {
    const record = { method: request.method(), url: request.url(), text: '' };
    seen.push(record);
    record.ready = (async () => {
      const headers = await request.allHeaders().catch(() => request.headers());
      const body = request.postDataBuffer() ?? Buffer.alloc(0);
      record.text = [
        record.url,
        decoded(record.url),
        JSON.stringify(headers),
        body.toString('utf8'),
        body.toString('latin1'),
        body.toString('hex'),
      ].join('\n');
    })();
  });
  return {
    requests: seen,
    async carrying(...needles) {
      await Promise.all(seen.map((r) => r.ready));
      return seen.filter((r) => needles.some((n) => r.text.includes(n))).map((r) => `${r.method} ${r.url}`);
    },
    /** Requests that went anywhere but to the portal. */
    elsewhere: (origin) =>
      seen.map((r) => r.url).filter((url) => !url.startsWith(`${origin}/`) && !/^(blob|data):/.test(url)),
  };
}

/** All the ways in which a private key could be written down. */
export function formsOf(keyBase64) {
  const raw = Buffer.from(keyBase64, 'base64');
  return [
    keyBase64,
    keyBase64.replace(/=+$/, ''),
    encodeURIComponent(keyBase64),
    raw.toString('base64url'),
    raw.toString('hex'),
    raw.toString('latin1'),
    [...raw].join(','),
  ];
}

function decoded(url) {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}
