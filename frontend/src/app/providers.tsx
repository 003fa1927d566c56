import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRouter, RouterProvider } from '@tanstack/react-router';
import { Problem } from '../api/problem.ts';
import { schemeStore } from '../ui/scheme.ts';
import { StepUpProvider } from '../ui/step-up.tsx';
import { RouteLoading } from './boundaries.tsx';
import { routeTree } from './routes.tsx';
import { cssVariables, theme } from './theme.ts';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the portal refused it will refuse again; what it did not answer is worth another try.
      retry: (failures, err) => failures < 2 && err instanceof Problem && (err.status === 0 || err.status >= 500),
    },
  },
});

const router = createRouter({
  routeTree,
  context: { queries },
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0, // the query cache decides
  defaultPendingComponent: RouteLoading,
  defaultPendingMs: 300,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

const schemes = schemeStore();

export function Providers({ nonce }: { nonce: string }) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queries}>
        <StepUpProvider>
          <RouterProvider router={router} />
        </StepUpProvider>
      </QueryClientProvider>
      <Notifications position="bottom-right" autoClose={4000} limit={3} />
    </MantineProvider>
  );
}
