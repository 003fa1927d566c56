import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './copy.module.css';

/** A value in a fixed-width face; one click copies it. */
export function CopyText({ value, label, children }: { value: string; label: string; children?: ReactNode }) {
  const { t } = useTranslation();
  const { copied, copy } = useClipboard({ timeout: 1500 });
  return (
    <>
      <button type="button" className={classes.text} onClick={() => copy(value)} title={t('copy.hint')}>
        <span className="visually-hidden">{t('copy.what', { what: label })} </span>
        <span className={classes.value}>{children ?? value}</span>
        {copied ? <IconCheck size={14} aria-hidden className={classes.done} /> : <IconCopy size={14} aria-hidden />}
      </button>
      <Said when={copied} />
    </>
  );
}

/** Tells a screen reader that it is copied. Beside the button: inside, it would become part of its name. */
function Said({ when }: { when: boolean }) {
  const { t } = useTranslation();
  return (
    <span className="visually-hidden" role="status">
      {when ? t('copy.done') : ''}
    </span>
  );
}

type ButtonProps = {
  value: string;
  children: ReactNode;
  variant?: 'default' | 'filled';
  size?: 'sm' | 'md';
  onCopy?: () => void;
};

export function CopyButton({ value, children, variant = 'default', size = 'sm', onCopy }: ButtonProps) {
  const { t } = useTranslation();
  const { copied, copy } = useClipboard({ timeout: 1500 });
  return (
    <>
      <Button
        variant={variant}
        size={size}
        leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
        onClick={() => {
          copy(value);
          onCopy?.();
        }}
      >
        {copied ? t('copy.done') : children}
      </Button>
      <Said when={copied} />
    </>
  );
}

/** Commands to paste, with their copy button. */
export function Command({ text, label, onCopy }: { text: string; label?: string; onCopy?: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={classes.command}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton value={text} onCopy={onCopy}>
        {label ?? t('copy.command')}
      </CopyButton>
    </div>
  );
}
