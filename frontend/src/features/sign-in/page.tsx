import { useCallback, useEffect, useState } from 'react';
import { type Language, rememberLanguage } from '../../i18n/language.ts';
import { Mark } from '../../ui/mark.tsx';
import { problemText } from '../../ui/problem-text.ts';
import { MoreWays } from './more-ways.tsx';
import classes from './page.module.css';
import { inOrder, lastProvider, type Provider, rememberProvider, startUrl } from './providers.ts';
import { fill, loadWords, type Words } from './words.ts';

type Answer = { providers: Provider[]; passkeys: boolean; local: boolean; demo: boolean; version: string };
type Spoken = { language: Language; words: Words };
type State =
  | { kind: 'loading' }
  | { kind: 'ready'; answer: Answer }
  | { kind: 'failed'; code: string; requestId: string };

/** One button for each way to sign in. It stands alone, without the app's libraries, so that it is there at once. */
export function SignInPage({ first }: { first: Spoken }) {
  const [{ language, words }, setSpoken] = useState(first);
  const [state, load] = useWays();
  const { signIn: t, demo, problems } = words;
  const query = new URLSearchParams(location.search);
  const code = query.get('problem');

  useEffect(() => {
    document.title = `${t.title} · Sallyport`;
    rememberLanguage(language);
  }, [language, t]);

  return (
    <div className={classes.page}>
      {state.kind === 'ready' && state.answer.demo && (
        <p role="note" className={classes.demo}>
          {demo.banner}
        </p>
      )}
      <main className={classes.main}>
        <div className={classes.head}>
          <Mark size={44} />
          <h1>{t.title}</h1>
          <p>{t.lead}</p>
        </div>
        {code && (
          <Notice
            text={problemText(problems, { code, title: '', detail: '', status: 0 })}
            id={query.get('id')}
            idLabel={t.requestId}
          />
        )}
        {!code && query.has('signed_out') && (
          <p role="status" className={classes.info}>
            {t.signedOut}
          </p>
        )}
        {state.kind === 'loading' && (
          <p role="status" className={classes.waiting}>
            {t.loading}
          </p>
        )}
        {state.kind === 'failed' && (
          <>
            <Notice
              text={problemText(problems, { code: state.code, title: '', detail: '', status: 0 })}
              id={state.requestId}
              idLabel={t.requestId}
            />
            <button type="button" className={classes.provider} onClick={load}>
              {t.tryAgain}
            </button>
          </>
        )}
        {state.kind === 'ready' && (
          <>
            <Ways answer={state.answer} returnTo={query.get('return_to')} words={words} />
            <MoreWays
              passkeys={state.answer.passkeys}
              local={state.answer.local}
              only={state.answer.providers.length === 0}
              returnTo={query.get('return_to')}
              words={words}
            />
          </>
        )}
        <p className={classes.after}>{t.after}</p>
      </main>
      <footer className={classes.foot}>
        <LanguageSwitch
          language={language}
          onChange={(next) => void loadWords(next).then((found) => setSpoken({ language: next, words: found }))}
          label={t.language}
        />
        {state.kind === 'ready' && <span>Sallyport {state.answer.version}</span>}
      </footer>
    </div>
  );
}

function Ways({ answer, returnTo, words }: { answer: Answer; returnTo: string | null; words: Words }) {
  const t = words.signIn;
  const { providers, local } = answer;
  const last = lastProvider();
  if (providers.length === 0) return local ? null : <Notice text={{ what: t.noneTitle, next: t.noneNext }} />;
  return (
    <ul className={classes.ways}>
      {inOrder(providers, last).map((p, i) => (
        <li key={p.id}>
          <a
            href={startUrl(p.id, returnTo)}
            className={classes.provider}
            data-first={i === 0}
            onClick={() => rememberProvider(p.id)}
          >
            {fill(t.with, { provider: p.name })}
            {p.id === last && providers.length > 1 && <span className={classes.last}>{t.lastUsed}</span>}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Notice({ text, id, idLabel }: { text: { what: string; next: string }; id?: string | null; idLabel?: string }) {
  return (
    <div role="alert" className={classes.notice}>
      <b>{text.what}</b>
      {text.next && <span>{text.next}</span>}
      {id && (
        <span className={classes.requestId}>
          {idLabel} <code>{id}</code>
        </span>
      )}
    </div>
  );
}

type SwitchProps = { language: Language; onChange: (l: Language) => void; label: string };

function LanguageSwitch({ language, onChange, label }: SwitchProps) {
  return (
    <fieldset className={classes.languages}>
      <legend>{label}</legend>
      {(
        [
          ['en', 'English'],
          ['ko', '한국어'],
        ] as const
      ).map(([code, name]) => (
        <button key={code} type="button" lang={code} aria-pressed={language === code} onClick={() => onChange(code)}>
          {name}
        </button>
      ))}
    </fieldset>
  );
}

function useWays(): [State, () => void] {
  const [state, setState] = useState<State>({ kind: 'loading' });
  const load = useCallback(() => {
    setState({ kind: 'loading' });
    fetchWays().then(setState);
  }, []);
  useEffect(load, [load]);
  return [state, load];
}

async function fetchWays(): Promise<State> {
  try {
    const response = await fetch('/api/v1/sign-in');
    if (!response.ok)
      return { kind: 'failed', code: 'internal', requestId: response.headers.get('X-Request-Id') ?? '' };
    return { kind: 'ready', answer: (await response.json()) as Answer };
  } catch {
    return { kind: 'failed', code: 'network', requestId: '' };
  }
}
