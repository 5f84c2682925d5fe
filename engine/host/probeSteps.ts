import type { DoctorStep } from '../api/berth/doctor.ts';

type Detail = Partial<Pick<DoctorStep, 'advice' | 'tools'>>;

/** Makes one step's outcomes: `const step = stepOf('tar', 'GNU tar'); return step.fail('not found', { advice: '…' })`. */
export function stepOf(id: string, title: string): Record<DoctorStep['status'], (seen: string, detail?: Detail) => DoctorStep> {
  const make =
    (status: DoctorStep['status']) =>
    (seen: string, { advice = '', tools = [] }: Detail = {}): DoctorStep => ({ id, title, status, seen, advice, tools: [...tools] });
  return { ok: make('ok'), warn: make('warn'), fail: make('fail') };
}
