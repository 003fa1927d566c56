import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, useNavigate, useRouteContext } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  createProvider,
  type IdentityProvider,
  identityProvidersQuery,
  updateProvider,
} from '../../api/identity-providers.ts';
import type { Problem } from '../../api/problem.ts';
import { may } from '../../api/rights.ts';
import { signInQuery } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { say } from '../../ui/notify.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { DeleteDialog } from './dialogs.tsx';
import { ProviderFields } from './fields.tsx';
import { type Preset, placeholderIn } from './presets.ts';
import { allShown, fieldProblems } from './problems.ts';
import classes from './providers.module.css';
import { SetupSteps } from './setup-steps.tsx';
import { TestPanel } from './test-panel.tsx';
import { fresh, inputOf, type Values, valuesOf } from './values.ts';

type Props = { provider?: IdentityProvider; preset?: Preset };

/** Adds or changes a provider. What is wrong is said at its field, whoever found it: saving or the test. */
export function ProviderForm({ provider, preset = 'other' }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { session } = useRouteContext({ from: '/app' });
  const form = useRef<HTMLFormElement>(null);
  const [values, setValues] = useState<Values>(() => (provider ? valuesOf(provider) : fresh(preset)));
  const [tested, setTested] = useState<Problem | null>(null);
  const [unfilled, setUnfilled] = useState(false); // the issuer was left as the preset has it
  const [deleting, ask] = useDisclosure(false);
  const kept = provider?.hasSecret ?? false;
  const input = inputOf(values, kept);
  const save = useAction(() => (provider ? updateProvider(provider.id, input) : createProvider(values.id, input)), {
    refresh: [identityProvidersQuery().queryKey, signInQuery().queryKey, ['audit']],
    done: async () => {
      say(t('providers.saved', { name: values.name }));
      await navigate({ to: '/admin/providers' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (placeholderIn(values.issuer)) setUnfilled(true);
    else save.run();
  };
  const writes = may(session, 'settings.write');
  const changes = writes && !provider?.fromFile;
  const problem = save.problem ?? tested;
  const wrong = fieldProblems(problem, (key) => t(`providerProblem.${key}`));
  const word = placeholderIn(values.issuer);
  if (unfilled && word) wrong.issuer = t('providers.replace', { word });
  useEffect(() => {
    if (problem || unfilled) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [problem, unfilled]);
  return (
    <form ref={form} onSubmit={submit} className={classes.page}>
      <div className={classes.fields}>
        {!changes && (
          <p className={classes.note}>{t(provider?.fromFile ? 'providers.fromFileNote' : 'providers.readOnlyNote')}</p>
        )}
        <fieldset disabled={!changes} className={classes.fields}>
          <ProviderFields values={values} onChange={setValues} isNew={!provider} kept={kept} problems={wrong} />
        </fieldset>
        {changes && <TestPanel id={values.id} input={input} onBegin={save.reset} onProblem={setTested} />}
        <ProblemNote problem={problem} fields={!allShown(problem)} />
        {changes && (
          <div className={classes.buttons}>
            {provider && (
              <Button variant="default" onClick={ask.open}>
                {t('common.delete')}
              </Button>
            )}
            <span className={classes.spring} />
            <Button variant="default" component={Link} to="/admin/providers">
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={save.pending}>
              {t('common.save')}
            </Button>
          </div>
        )}
      </div>
      {writes && (
        <aside className={classes.aside} data-first={provider ? undefined : true}>
          <SetupSteps preset={values.preset} id={values.id} />
        </aside>
      )}
      {provider && (
        <DeleteDialog
          provider={provider}
          opened={deleting}
          onClose={ask.close}
          onDone={() => void navigate({ to: '/admin/providers' })}
        />
      )}
    </form>
  );
}
