import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

const pause = 200; // ms without typing before the search goes out

type Props = { value: string | undefined; onChange: (q: string | undefined) => void; label: string };

/** Searches as one types. "/" puts the cursor here. */
export function SearchField({ value, onChange, label }: Props) {
  const [typed, setTyped] = useState(value ?? '');
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => setTyped(value ?? ''), [value]);
  useEffect(() => {
    const jump = (event: KeyboardEvent) => {
      const inField = event.target instanceof Element && event.target.closest('input, textarea, [role=dialog]');
      if (event.key !== '/' || inField) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', jump);
    return () => document.removeEventListener('keydown', jump);
  }, []);

  const type = (text: string) => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(text.trim() || undefined), pause);
  };
  return (
    <TextInput
      ref={input}
      type="search"
      w={300}
      maw="100%"
      leftSection={<IconSearch size={16} aria-hidden />}
      placeholder={label}
      aria-label={label}
      value={typed}
      maxLength={100}
      onChange={(e) => type(e.currentTarget.value)}
    />
  );
}
