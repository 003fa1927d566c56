import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Session, sessionQuery } from '../api/session.ts';
import { Dialog } from './dialog.tsx';
import { VerifyFactor } from './verify-factor.tsx';

type StepUp = () => Promise<boolean>;

const Context = createContext<StepUp>(async () => false);

/** Asks for the second factor; true once it was shown, false when the person gave up. */
export const useStepUp = () => useContext(Context);

export function StepUpProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const answer = useRef<(shown: boolean) => void>(undefined);

  const ask = useCallback<StepUp>(() => {
    answer.current?.(false);
    setOpen(true);
    return new Promise((resolve) => {
      answer.current = resolve;
    });
  }, []);

  const finish = (shown: boolean) => {
    setOpen(false);
    answer.current?.(shown);
    answer.current = undefined;
  };

  const verified = (session: Session) => {
    queries.setQueryData(sessionQuery().queryKey, session);
    finish(true);
  };

  return (
    <Context.Provider value={ask}>
      {children}
      <Dialog opened={open} onClose={() => finish(false)} title={t('stepUp.title')} above>
        <VerifyFactor intro={t('stepUp.why')} onVerified={verified} none={<NoFactor />} />
      </Dialog>
    </Context.Provider>
  );
}

/** Where the portal may be used without a second factor, this is the moment to set one up. */
function NoFactor() {
  const { t } = useTranslation();
  return (
    <>
      <p>{t('factor.noneYet')}</p>
      <Button
        component="a"
        href={`/second-factor?${new URLSearchParams({ return_to: location.pathname + location.search })}`}
      >
        {t('factor.setUp')}
      </Button>
    </>
  );
}
