import type { ComponentType, ReactNode } from 'react';
import classes from './chip.module.css';

export type Tone = 'good' | 'warn' | 'bad' | 'plain' | 'accent';

type Props = {
  tone: Tone;
  icon?: ComponentType<{ size?: number; stroke?: number; 'aria-hidden'?: boolean }>;
  children: ReactNode;
};

/** A state in a word. The icon and the word say it; the colour only helps. */
export function Chip({ tone, icon: Icon, children }: Props) {
  return (
    <span className={classes.chip} data-tone={tone}>
      {Icon && <Icon size={14} stroke={2} aria-hidden />}
      {children}
    </span>
  );
}
