import { IconAlertTriangle, IconCheck, IconCircleCheck, IconHelp, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Reachability, Step } from '../../api/reachability.ts';
import { Chip } from '../../ui/chip.tsx';
import { formatExact } from '../../ui/format.ts';
import { Card } from '../../ui/page.tsx';
import classes from './reachability.module.css';

const marks = { ok: IconCheck, warn: IconAlertTriangle, stop: IconX, unknown: IconHelp };

type Sentences = Record<string, string>;

/** What a code says, with its names filled in. Times in it are shown in the reader's zone. */
function useSentence() {
  const { t, i18n } = useTranslation();
  return (part: 'says' | 'fix', step: Step): string | undefined => {
    const known = t(`reach.${part}`, { returnObjects: true }) as Sentences;
    if (!(step.code in known)) return part === 'says' ? step.code : undefined;
    const args: Record<string, string> = { ...step.args };
    for (const key of ['until', 'since']) {
      const at = args[key] ? new Date(args[key]) : undefined;
      if (at && !Number.isNaN(at.valueOf())) args[key] = formatExact(at, i18n.language);
    }
    const misses = t('reach.miss', { returnObjects: true }) as Sentences;
    if (args.miss) args.miss = misses[args.miss] ?? args.miss;
    return (known[step.code] ?? '').replace(/\{(\w+)\}/g, (_, name: string) => args[name] ?? '');
  };
}

type Verdict = 'blocked' | 'unsure' | 'reachable';

const verdictMarks = { blocked: IconX, unsure: IconAlertTriangle, reachable: IconCircleCheck };

function verdictOf({ stop, steps, probe, probeProblem }: Reachability): Verdict {
  if (stop !== undefined) return 'blocked';
  const asked = probe !== undefined || probeProblem !== undefined;
  const answered = !asked || probe?.outcome === 'answered';
  return answered && steps.every((step) => step.state === 'ok') ? 'reachable' : 'unsure';
}

/** The way from the device to the destination, drawn step by step, with the verdict above it. `flow` is "tcp/443", "icmp" or "any". */
export function ReachPath({ answer, flow }: { answer: Reachability; flow: string }) {
  const { t } = useTranslation();
  const says = useSentence();
  const { stop } = answer;
  const at = stop === undefined ? undefined : answer.steps[stop];
  const misses = t('reach.miss', { returnObjects: true }) as Sentences;
  const verdict = verdictOf(answer);
  const Mark = verdictMarks[verdict];
  return (
    <>
      <div className={classes.verdict} data-verdict={verdict} role="status">
        <Mark size={22} aria-hidden />
        <div>
          <h2>{t(`reach.${verdict}`, { to: flow === 'any' ? answer.to : `${answer.to} ${flow}` })}</h2>
          {verdict !== 'unsure' && <p>{at ? says('says', at) : t('reach.reachableNote')}</p>}
        </div>
      </div>
      <Card flush>
        <ol className={classes.path} aria-label={t('reach.path')}>
          {answer.steps.map((step, i) => {
            const Mark = marks[step.state];
            const fix = says('fix', step);
            return (
              <li
                key={step.kind}
                data-state={step.state}
                data-after={(stop !== undefined && i >= stop) || undefined}
                aria-current={i === stop ? 'step' : undefined}
              >
                <span className={classes.mark}>
                  <Mark size={15} stroke={2.4} aria-hidden />
                </span>
                <h3>
                  {t(`reach.kind.${step.kind}`)}
                  <span className="visually-hidden"> – {t(`reach.state.${step.state}`)}</span>
                </h3>
                <p>{says('says', step)}</p>
                {fix && step.state !== 'ok' && <p className={classes.fix}>{fix}</p>}
                {step.rules && step.rules.length > 0 && (
                  <ul className={classes.rules} aria-label={t('reach.rules')}>
                    {step.rules.map((rule) => (
                      <li key={rule.id}>
                        <Chip tone={rule.miss ? 'plain' : rule.action === 'allow' ? 'good' : 'bad'}>
                          {t(rule.action === 'allow' ? 'reach.allow' : 'reach.deny')}
                        </Chip>
                        <b>{rule.name}</b>
                        <span>{rule.miss ? `${t('reach.not')} ${misses[rule.miss] ?? rule.miss}` : rule.reason}</span>
                      </li>
                    ))}
                  </ul>
                )}
              </li>
            );
          })}
          {(answer.probe || answer.probeProblem) && <ProbeStep answer={answer} />}
        </ol>
      </Card>
    </>
  );
}

function ProbeStep({ answer }: { answer: Reachability }) {
  const { t } = useTranslation();
  const { probe } = answer;
  const problems = t('reach.probeProblem', { returnObjects: true }) as Sentences;
  const good = probe?.outcome === 'answered';
  const state = good ? 'ok' : probe ? 'warn' : 'unknown';
  const Mark = marks[state];
  return (
    <li data-state={state}>
      <span className={classes.mark}>
        <Mark size={15} stroke={2.4} aria-hidden />
      </span>
      <h3>{t('reach.kind.probe')}</h3>
      <p>
        {probe ? t(`reach.probe.${probe.outcome}`) : (problems[answer.probeProblem ?? ''] ?? answer.probeProblem ?? '')}
      </p>
      {probe && probe.sent > 0 && (
        <p className={classes.fix}>
          {t('reach.packets', { sent: probe.sent, received: probe.received, ms: Math.round(probe.tookMs * 10) / 10 })}
        </p>
      )}
    </li>
  );
}
