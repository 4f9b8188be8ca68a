/** Mantine dressed in our tokens: it brings the behaviour of overlays, the look is ours. */
import { type CSSVariablesResolver, createTheme } from '@mantine/core';

export const theme = createTheme({
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '13px', lg: '15px', xl: '16px' },
  defaultRadius: 4,
  respectReducedMotion: true,
  components: {
    Tooltip: {
      defaultProps: {
        openDelay: 250,
        withArrow: false,
        transitionProps: { duration: 80 },
        events: { hover: true, focus: true, touch: true },
        multiline: true,
        maw: 420,
        // Beside what it explains, so that it is part of the same landmark; fixed, so that no scrolling box cuts it.
        withinPortal: false,
        floatingStrategy: 'fixed',
      },
    },
    Notification: {
      defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } },
      styles: { title: { color: 'var(--ink)' }, description: { color: 'var(--ink-2)' } },
    },
    Menu: { defaultProps: { transitionProps: { duration: 80 }, position: 'bottom-end', shadow: 'none' } },
  },
});

/** Points Mantine's variables at the tokens, in both schemes alike (the tokens themselves follow the scheme). */
export const cssVariables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--surface-0)',
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-dimmed': 'var(--ink-2)',
    '--mantine-color-default': 'var(--surface-0)',
    '--mantine-color-default-hover': 'var(--surface-2)',
    '--mantine-color-default-color': 'var(--ink)',
    '--mantine-color-default-border': 'var(--line)',
    '--mantine-color-error': 'var(--bad)',
    '--mantine-color-placeholder': 'var(--ink-3)',
    '--mantine-color-anchor': 'var(--accent)',
  };
  return { variables: {}, light: shared, dark: shared };
};
