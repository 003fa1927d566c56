import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { asProblem, Problem } from '../api/problem.ts';
import { useStepUp } from './step-up.tsx';

type After<I, O> = { refresh?: QueryKey[]; done?: (out: O, input: I) => unknown };

/**
 * Something that a person does. Where the portal wants a fresh second factor, it is asked for and the deed is done again;
 * then what it changed is looked at anew.
 */
export function useAction<I = void, O = unknown>(run: (input: I) => Promise<O>, after: After<I, O> = {}) {
  const stepUp = useStepUp();
  const queries = useQueryClient();
  const mutation = useMutation<O, Problem, I>({
    mutationFn: async (input) => {
      try {
        return await run(input);
      } catch (err) {
        const problem = asProblem(err);
        if (problem.code !== 'step_up_required') throw problem;
        if (!(await stepUp())) throw new Problem({ code: 'step_up_cancelled' });
        return await run(input).catch((again) => {
          throw asProblem(again);
        });
      }
    },
    onSuccess: async (out, input) => {
      for (const queryKey of after.refresh ?? []) void queries.invalidateQueries({ queryKey });
      await after.done?.(out, input);
    },
  });
  return {
    run: (input: I) => mutation.mutate(input),
    pending: mutation.isPending,
    problem: mutation.error?.code === 'step_up_cancelled' ? null : mutation.error,
    reset: mutation.reset,
  };
}
