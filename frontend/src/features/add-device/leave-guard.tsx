import { Button } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Dialog } from '../../ui/dialog.tsx';
import classes from './file.module.css';

/** Warns before a key that nobody has saved is lost: inside the app by a dialog, else by the browser's own. */
export function LeaveGuard({ armed, onLeave }: { armed: boolean; onLeave: () => void }) {
  const { t } = useTranslation();
  const { proceed, reset, status } = useBlocker({
    shouldBlockFn: () => armed,
    enableBeforeUnload: () => armed,
    withResolver: true,
  });
  return (
    <Dialog opened={status === 'blocked'} onClose={() => reset?.()} title={t('file.leaveTitle')}>
      <p className={classes.leave}>{t('file.leaveLead')}</p>
      <div className={classes.buttons}>
        <Button
          variant="default"
          onClick={() => {
            onLeave();
            proceed?.();
          }}
        >
          {t('file.leaveAnyway')}
        </Button>
        <Button onClick={() => reset?.()} data-autofocus>
          {t('file.stay')}
        </Button>
      </div>
    </Dialog>
  );
}
