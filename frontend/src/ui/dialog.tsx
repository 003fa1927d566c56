import { Modal } from '@mantine/core';
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

type Props = {
  opened: boolean;
  onClose: () => void;
  title: string;
  size?: 'md' | 'lg';
  above?: boolean; // over another dialog
  insist?: boolean; // closes only by what is in it
  children: ReactNode;
};

/** A dialog that traps focus and gives it back, also where it was opened from a menu that is gone by then. */
export function Dialog({ opened, onClose, title, size, above, insist, children }: Props) {
  const { t } = useTranslation();
  useFocusBack(opened);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size={size}
      zIndex={above ? 300 : undefined}
      returnFocus={false}
      withCloseButton={!insist}
      closeOnClickOutside={!insist}
      closeOnEscape={!insist}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {children}
    </Modal>
  );
}

/** Remembers what had the focus when it opened: the menu's button, where that was an item of a menu. */
function useFocusBack(opened: boolean) {
  const opener = useRef<Element | null>(null);
  const wasOpen = useRef(false);
  useLayoutEffect(() => {
    if (opened) opener.current = ownerOf(document.activeElement);
  }, [opened]);
  useEffect(() => {
    const closing = wasOpen.current && !opened;
    wasOpen.current = opened;
    if (!closing) return;
    const timer = setTimeout(() => {
      const back = opener.current?.isConnected ? opener.current : document.getElementById('main');
      if (back instanceof HTMLElement) back.focus({ preventScroll: true });
    }, 20); // the dialog lets go of the focus first
    return () => clearTimeout(timer);
  }, [opened]);
}

function ownerOf(element: Element | null): Element | null {
  const menu = element?.closest('[role="menu"]');
  return menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : element;
}
