import { Button, Checkbox, FileButton, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { applyPolicy, diffPolicy, exportPolicy, type PolicyDiff } from '../../api/reachability.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { download } from '../../ui/download.ts';
import { Card } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import classes from './policy.module.css';

const everything = [['rules'], ['resources'], ['profiles'], ['groups'], ['policyTests'], ['audit']];

/** Export, look at the difference, apply. */
export function PolicyFile({ writes }: { writes: boolean }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [prune, setPrune] = useState(false);
  const [diff, setDiff] = useState<PolicyDiff>();
  const [asking, ask] = useDisclosure(false);
  const clearFile = useRef<() => void>(null);
  const save = useAction(exportPolicy, { done: (yaml) => download('policy.yaml', yaml) });
  const load = useAction(exportPolicy, {
    done: (yaml) => {
      ask.close();
      edit(yaml);
    },
  });
  const look = useAction(() => diffPolicy(text, prune), { done: setDiff });
  const apply = useAction(() => applyPolicy(text, prune), { done: setDiff, refresh: everything });
  const clear = () => {
    setDiff(undefined);
    for (const action of [save, load, look, apply]) action.reset();
  };
  const edit = (next: string) => {
    setText(next);
    clear();
  };
  const open = (file: File | null) => {
    void file?.text().then(edit);
    clearFile.current?.(); // so that the same file can be opened again
  };
  return (
    <Card>
      <div className={classes.form}>
        <div className={classes.buttons} style={{ justifyContent: 'flex-start' }}>
          <Button variant="default" loading={save.pending} onClick={() => save.run()}>
            {t('policy.download')}
          </Button>
          <Button variant="default" loading={load.pending} onClick={() => (text.trim() ? ask.open() : load.run())}>
            {t('policy.openHere')}
          </Button>
          <FileButton
            accept=".yaml,.yml,text/yaml"
            onChange={open}
            resetRef={clearFile}
            inputProps={{ 'aria-label': t('policy.openFile') }}
          >
            {(props) => (
              <Button variant="default" {...props}>
                {t('policy.openFile')}
              </Button>
            )}
          </FileButton>
        </div>
        <Confirm
          opened={asking}
          onClose={ask.close}
          title={t('policy.replaceTitle')}
          verb={t('policy.openHere')}
          onConfirm={() => load.run()}
          pending={load.pending}
          problem={load.problem}
        >
          <p>{t('policy.replaceWhat')}</p>
        </Confirm>
        <ProblemNote problem={save.problem ?? load.problem} />
        <Textarea
          className={classes.file}
          label={t('policy.yaml')}
          value={text}
          onChange={(e) => edit(e.currentTarget.value)}
          autosize
          minRows={6}
          maxRows={24}
          spellCheck={false}
        />
        <Checkbox
          label={t('policy.prune')}
          checked={prune}
          onChange={(e) => {
            setPrune(e.currentTarget.checked);
            clear();
          }}
        />
        <ProblemNote problem={apply.problem ?? look.problem} fields />
        {diff && (
          <>
            <p role="status" style={{ margin: 0 }}>
              {t(diff.applied ? 'policy.applied' : 'policy.differs', { count: diff.changes.length })}
            </p>
            {diff.changes.length > 0 && <pre className={classes.changes}>{diff.changes.map(asText).join('\n')}</pre>}
          </>
        )}
        <div className={classes.buttons}>
          <Button variant="default" loading={look.pending} disabled={!text.trim()} onClick={() => look.run()}>
            {t('policy.look')}
          </Button>
          {writes && (
            <Button
              loading={apply.pending}
              disabled={!diff || diff.applied || diff.changes.length === 0}
              onClick={() => apply.run()}
            >
              {t('policy.apply')}
            </Button>
          )}
        </div>
      </div>
    </Card>
  );
}

const linesOf = (yaml?: string) => (yaml ?? '').split('\n').filter((l) => l !== '');

function asText(c: PolicyDiff['changes'][number]): string {
  const before = linesOf(c.before);
  const after = linesOf(c.after);
  return [
    `${c.action} ${c.kind} ${c.name}`,
    ...before.filter((l) => !after.includes(l)).map((l) => `  - ${l}`),
    ...after.filter((l) => !before.includes(l)).map((l) => `  + ${l}`),
  ].join('\n');
}
