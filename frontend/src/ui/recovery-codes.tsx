import { Button, Checkbox } from '@mantine/core';
import { IconDownload, IconPrinter } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './copy.tsx';
import { download } from './download.ts';
import classes from './recovery-codes.module.css';

type Props = { codes: string[]; account: string; onSaved: () => void; doneLabel: string };

/** Ten codes, shown this once. Going on asks for a word that they are kept. */
export function RecoveryCodes({ codes, account, onSaved, doneLabel }: Props) {
  const { t } = useTranslation();
  const [kept, setKept] = useState(false);
  const file = [t('recovery.fileHead', { host: location.host, account }), '', ...codes, ''].join('\n');
  return (
    <div className={classes.box}>
      <ol className={classes.codes} aria-label={t('recovery.list')}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div className={`${classes.row} no-print`}>
        <CopyButton value={codes.join('\n')}>{t('recovery.copy')}</CopyButton>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => download('sallyport-recovery-codes.txt', file)}
        >
          {t('recovery.download')}
        </Button>
        <Button variant="default" leftSection={<IconPrinter size={16} aria-hidden />} onClick={() => window.print()}>
          {t('recovery.print')}
        </Button>
      </div>
      <div className={`${classes.confirm} no-print`}>
        <Checkbox checked={kept} onChange={(e) => setKept(e.currentTarget.checked)} label={t('recovery.kept')} />
        <Button disabled={!kept} onClick={onSaved}>
          {doneLabel}
        </Button>
      </div>
    </div>
  );
}
