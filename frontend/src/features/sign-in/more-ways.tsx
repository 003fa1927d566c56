import { type FormEvent, useState } from 'react';
import { passkeysHere } from '../../api/passkey.ts';
import { asProblem, type Problem } from '../../api/problem.ts';
import { problemText } from '../../ui/problem-text.ts';
import { enterLocally, enterWithPasskey } from './enter.ts';
import classes from './page.module.css';
import type { Words } from './words.ts';

type Props = { passkeys: boolean; local: boolean; only: boolean; returnTo: string | null; words: Words };

/** The ways in that need no provider: a passkey, and where local accounts are on, a small link to those. */
export function MoreWays({ passkeys, local, only, returnTo, words }: Props) {
  const t = words.enter;
  const [open, setOpen] = useState(false);
  const { run, pending, problem } = useEntrance();
  return (
    <div className={classes.more}>
      {passkeys && passkeysHere() && (
        <button
          type="button"
          className={classes.provider}
          data-first={only || undefined}
          disabled={pending}
          onClick={() => void run(() => enterWithPasskey(returnTo))}
        >
          <KeyIcon />
          {pending && !open ? t.waiting : t.passkey}
        </button>
      )}
      {problem && !open && <Refused problem={problem} words={words} />}
      {local && !open && (
        <button type="button" className={classes.link} onClick={() => setOpen(true)}>
          {t.local}
        </button>
      )}
      {open && <LocalForm returnTo={returnTo} words={words} />}
    </div>
  );
}

function LocalForm({ returnTo, words }: Pick<Props, 'returnTo' | 'words'>) {
  const t = words.enter;
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const { run, pending, problem } = useEntrance(() => setPassword(''));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (username.trim() && password) void run(() => enterLocally(username.trim(), password, returnTo));
  };
  return (
    <form className={classes.local} onSubmit={submit} aria-labelledby="local-title">
      <h2 id="local-title">{t.local}</h2>
      <p>{t.localLead}</p>
      <label>
        {t.username}
        <input
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          // biome-ignore lint/a11y/noAutofocus: the person has just asked for this form
          autoFocus
          maxLength={64}
          value={username}
          onChange={(e) => setUsername(e.currentTarget.value)}
        />
      </label>
      <label>
        {t.password}
        <input
          name="password"
          type="password"
          autoComplete="current-password"
          maxLength={256}
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
        />
      </label>
      {problem && <Refused problem={problem} words={words} />}
      <button type="submit" className={classes.provider} data-first disabled={pending || !username.trim() || !password}>
        {pending ? t.checking : t.enter}
      </button>
    </form>
  );
}

function Refused({ problem, words }: { problem: Problem; words: Words }) {
  const text = problemText(words.problems, problem);
  return (
    <div role="alert" className={classes.notice}>
      <b>{text.what}</b>
      {text.next && <span>{text.next}</span>}
      {problem.requestId && (
        <span className={classes.requestId}>
          {words.signIn.requestId} <code>{problem.requestId}</code>
        </span>
      )}
    </div>
  );
}

/** Runs one way in at a time, and leaves the page when it has led somewhere. */
function useEntrance(onRefused?: () => void) {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const run = async (enter: () => Promise<string>) => {
    setPending(true);
    setProblem(undefined);
    try {
      location.assign(await enter());
    } catch (err) {
      setProblem(asProblem(err));
      setPending(false);
      onRefused?.();
    }
  };
  return { run, pending, problem };
}

function KeyIcon() {
  return (
    <svg
      width="18"
      height="18"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      aria-hidden="true"
    >
      <circle cx="8" cy="15" r="4.5" />
      <path d="M11.2 11.8 20 3m-3.5 3.5L19 9m-5.5.5 2 2" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
