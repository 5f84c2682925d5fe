import type { Ask, Question } from '../../engine/remote/connection.ts';

/** A person who answers by kind of question, and what was asked. Kinds without an answer are declined. */
export function person(answers: Partial<Record<Question['kind'], readonly string[] | ((question: Question) => readonly string[] | undefined)>> = {}): { ask: Ask; asked: Question[] } {
  const asked: Question[] = [];
  return {
    asked,
    ask: (question) => {
      asked.push(question);
      const answer = answers[question.kind];
      return Promise.resolve(typeof answer === 'function' ? answer(question) : answer);
    },
  };
}
