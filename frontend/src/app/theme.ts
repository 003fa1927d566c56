import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

// One accent. Shade 6 carries white text at 5.9:1, in both schemes.
const accent: MantineColorsTuple = [
  '#eef0fe',
  '#dcdffb',
  '#b9c0f7',
  '#98a5fb',
  '#7a88ee',
  '#5f6fe3',
  '#4656cf',
  '#3c4ab8',
  '#333f9c',
  '#2a3480',
];

const red: MantineColorsTuple = [
  '#fdecec',
  '#f9d5d5',
  '#f2aaaa',
  '#ff9b9b',
  '#e25d5d',
  '#d93c3c',
  '#c02d2e',
  '#b42324',
  '#951b1c',
  '#771516',
];

const dark: MantineColorsTuple = [
  '#e9ebef',
  '#c6cbd5',
  '#9aa2b1',
  '#6f7787',
  '#363c48',
  '#262b34',
  '#1c2027',
  '#16191f',
  '#0f1115',
  '#0b0d10',
];

export const theme = createTheme({
  colors: { accent, red, dark },
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 6 },
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  defaultRadius: 8,
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '0.8125rem', sm: '0.875rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  headings: { fontFamily: 'var(--font)', fontWeight: '620' },
  components: {
    Modal: { defaultProps: { centered: true, radius: 12, overlayProps: { backgroundOpacity: 0.45 } } },
    Tooltip: { defaultProps: { openDelay: 200, events: { hover: true, focus: true, touch: true } } },
  },
});

/** Mantine's own variables, from ui/tokens.css, so that there is one palette. */
export const cssVariables: CSSVariablesResolver = () => {
  const both = {
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--dim)',
    '--mantine-color-placeholder': 'var(--dim)',
    '--mantine-color-anchor': 'var(--accent-text)',
    '--mantine-color-default': 'var(--surface)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-error': 'var(--bad)',
    '--mantine-color-red-outline': 'var(--bad)',
    '--mantine-color-red-light': 'var(--bad-wash)',
    '--mantine-color-red-light-color': 'var(--bad)',
    '--mantine-color-accent-light': 'var(--accent-wash)',
    '--mantine-color-accent-light-color': 'var(--accent-text)',
  };
  return { variables: {}, light: both, dark: both };
};
