import type { Answer } from '#contract';
import { number, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';

/** Longest beginning of a text that stands for it. */
const LONG = 60;

/** The answer in a word: the best label, the first value, how many things were found. */
export function topLabel(answer: Answer): string | undefined {
  switch (answer.kind) {
    case 'labels':
      return answer.labels[0] && plainName(answer.labels[0].label);
    case 'values':
      return answer.values[0] && `${plainName(answer.values[0].name)} ${number(answer.values[0].value)}`;
    case 'boxes':
      return answer.boxes[0] ? `${plural(answer.boxes.length, 'thing')}, ${plainName(answer.boxes[0].label)} first` : 'nothing';
    case 'text':
      return answer.text.length > LONG ? `${answer.text.slice(0, LONG)}…` : answer.text;
    case 'spans':
      return answer.spans[0] ? `${plural(answer.spans.length, 'part')}, ${plainName(answer.spans[0].label)} first` : 'nothing';
    case 'embedding':
      return plural(answer.similarity.length, 'text');
    case 'tensors':
      return answer.tensors[0] && plainName(answer.tensors[0].name);
    case 'several':
      return answer.parts[0] && topLabel(answer.parts[0].answer);
    case 'rows': {
      const [first] = answer.rows;
      const top = first && topLabel(first);
      return answer.total === 1 ? top : `${plural(answer.total, 'row')}, the first ${top ?? 'without an answer'}`;
    }
  }
}
