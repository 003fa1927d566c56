import { notifications } from '@mantine/notifications';

/** Says in the corner that something was done. Problems are not said here: they stay on the page until they are solved. */
export function say(message: string) {
  notifications.show({ message, withCloseButton: true });
}
