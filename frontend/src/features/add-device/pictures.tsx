// Drawings of where to click. They only repeat what the steps beside them say, so screen readers skip them.
import classes from './file.module.css';

const line = 'var(--line-strong)';
const ink = 'var(--dim)';
const mark = 'var(--accent-text)';

/** The WireGuard app with the button to press. */
export function AppPicture({ platform, file }: { platform: 'windows' | 'macos' | 'other'; file: string }) {
  return (
    <svg className={classes.picture} viewBox="0 0 300 190" aria-hidden="true" focusable="false">
      <rect x="1" y="1" width="298" height="188" rx="10" fill="var(--surface)" stroke={line} />
      <path d="M1 30h298" stroke={line} />
      {platform === 'macos' ? (
        [18, 34, 50].map((x) => <circle key={x} cx={x} cy="16" r="5" fill={line} />)
      ) : (
        <path d="M262 11l9 9m0-9l-9 9M238 16h10" stroke={ink} strokeWidth="1.6" strokeLinecap="round" />
      )}
      <text x="150" y="20" textAnchor="middle" className={classes.label}>
        WireGuard
      </text>
      <path d="M104 30v159" stroke={line} />
      <rect x="12" y="42" width="80" height="10" rx="3" fill="var(--sunken)" />
      <rect x="12" y="60" width="62" height="10" rx="3" fill="var(--sunken)" />
      <rect x="118" y="44" width="166" height="84" rx="7" fill="var(--sunken)" />
      {[58, 76, 94, 112].map((y, i) => (
        <rect key={y} x="130" y={y - 3} width={[70, 120, 96, 50][i]} height="7" rx="3" fill={line} />
      ))}
      <rect x="8" y="156" width="88" height="25" rx="6" fill="var(--accent-wash)" stroke={mark} strokeWidth="1.6" />
      <path d="M20 168.5h9m-4.5-4.5v9" stroke={mark} strokeWidth="1.8" strokeLinecap="round" />
      <path d="M90 156q26-34 62-16" fill="none" stroke={mark} strokeWidth="1.6" strokeDasharray="4 4" />
      <rect x="154" y="136" width="130" height="26" rx="6" fill="var(--surface)" stroke={line} />
      <path d="M164 142h7l4 4v10h-11z" fill="none" stroke={ink} strokeWidth="1.4" />
      <text x="182" y="153" className={classes.mono}>
        {file}
      </text>
      <text x="36" y="172.5" className={classes.marked}>
        Import
      </text>
    </svg>
  );
}

/** A phone with the app's + and where it is: below on Android, above on iPhones. */
export function PhonePicture({ platform }: { platform: 'ios' | 'android' }) {
  const plus = platform === 'ios' ? { x: 96, y: 34 } : { x: 92, y: 152 };
  return (
    <svg className={classes.phone} viewBox="0 0 240 190" aria-hidden="true" focusable="false">
      <rect x="12" y="2" width="106" height="186" rx="16" fill="var(--surface)" stroke={line} strokeWidth="1.5" />
      <rect x="50" y="9" width="30" height="5" rx="2.5" fill={line} />
      <text x="24" y="38" className={classes.label}>
        WireGuard
      </text>
      <rect x="24" y="54" width="82" height="20" rx="5" fill="var(--sunken)" />
      <rect x="24" y="80" width="82" height="20" rx="5" fill="var(--sunken)" />
      <circle cx={plus.x} cy={plus.y} r="13" fill="var(--accent)" />
      <path d={`M${plus.x - 5} ${plus.y}h10m-5-5v10`} stroke="#fff" strokeWidth="2" strokeLinecap="round" />
      <path
        d="M128 96h22m-6-6l6 6-6 6"
        fill="none"
        stroke={mark}
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <g stroke={mark} strokeWidth="3" fill="none" strokeLinecap="round">
        <path d="M164 70v-8h8M220 62h8v8M228 122v8h-8M172 130h-8v-8" />
      </g>
      <g fill={ink}>
        <rect x="174" y="72" width="14" height="14" rx="2" />
        <rect x="204" y="72" width="14" height="14" rx="2" />
        <rect x="174" y="104" width="14" height="14" rx="2" />
        <rect x="194" y="92" width="6" height="6" />
        <rect x="204" y="104" width="6" height="6" />
        <rect x="212" y="112" width="6" height="6" />
        <rect x="194" y="112" width="6" height="6" />
      </g>
    </svg>
  );
}
