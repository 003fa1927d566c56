/** The sign: a small door in a wall. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d="M8 24V14a8 8 0 0 1 16 0v10" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <path d="M13 24v-9.5a3 3 0 0 1 6 0V24" fill="#fff" />
    </svg>
  );
}
