import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The portal serves dist/ from its binary. In development, Vite stands in front of a running `sallyport demo`.
const portal = process.env.SALLYPORT_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    sourcemap: false,
    manifest: true, // read by scripts/size.mjs
    assetsInlineLimit: 0, // the content security policy allows no data: fonts or scripts
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: {
      '/api/v1': portal,
      '/api/openapi.json': portal,
      '/auth': portal,
    },
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}'],
    environment: 'node',
  },
});
