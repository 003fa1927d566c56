import type { ReactNode } from 'react';

/** The contract's descriptions: paragraphs with `code` in them, and nothing else of Markdown. */
export function Prose({ text }: { text: string }) {
  return text
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => <p key={paragraph}>{inline(paragraph)}</p>);
}

function inline(text: string): ReactNode[] {
  return text
    .split(/(`[^`]+`)/)
    .map((part, i) => (part.startsWith('`') ? <code key={i}>{part.slice(1, -1)}</code> : part));
}
