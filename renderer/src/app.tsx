import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { NoToken } from './frame/no-token.tsx';
import { queryClient } from './lib/engine.ts';
import { router } from './router.tsx';
import { cssVariables, theme } from './theme.ts';

/** The nonce that the server put into the page: Mantine's few style elements carry it. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

export function App({ hasToken }: { hasToken: boolean }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      {hasToken ? (
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
          <Notifications position="bottom-left" limit={3} />
        </QueryClientProvider>
      ) : (
        <NoToken />
      )}
    </MantineProvider>
  );
}
