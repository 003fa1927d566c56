import { TextInput } from '@mantine/core';
import { useEffect, useRef } from 'react';
import classes from './code-field.module.css';

type Props = {
  label: string;
  value: string;
  onChange: (code: string) => void;
  onComplete: (code: string) => void;
  disabled?: boolean;
};

/** Six digits from an authenticator app: typed, filled in by the browser, or pasted with spaces. The sixth one sends it. */
export function CodeField({ label, value, onChange, onComplete, disabled }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!disabled) input.current?.focus();
  }, [disabled]);

  const take = (text: string) => {
    const digits = text.replace(/\D/g, '').slice(0, 6);
    onChange(digits);
    if (digits.length === 6 && digits !== value) onComplete(digits);
  };

  return (
    <TextInput
      ref={input}
      label={label}
      value={value}
      onChange={(e) => take(e.currentTarget.value)}
      inputMode="numeric"
      autoComplete="one-time-code"
      pattern="[0-9]*"
      placeholder="000000"
      size="lg"
      readOnly={disabled}
      data-autofocus
      classNames={{ input: classes.input, label: classes.label }}
    />
  );
}
