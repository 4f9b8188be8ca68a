/** What ONNX Runtime says when it refuses a model, in words that name a node or at least its operator, and nothing of ONNX Runtime's sources. */
import { expect, it } from 'vitest';
import { explain } from '../../../app/core/runtime/explain.ts';

const SOURCE = 'Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu';

it.each([
  [
    `${SOURCE}/nn/lrn.h:22 onnxruntime::LRN<T>::LRN(const onnxruntime::OpKernelInfo&) [with T = float] size_ > 0 was false. `,
    'a node of the operator LRN',
    'size_ > 0 was false.',
  ],
  [
    `${SOURCE}/ml/scaler.cc:70 onnxruntime::ml::ScalerOp<T>::ScalerOp(const onnxruntime::OpKernelInfo&) [with T = float] Scale size: (1) != (2)`,
    'a node of the operator Scaler',
    'Scale size: (1) != (2)',
  ],
  [
    `${SOURCE}/rnn/lstm_base.h:24 onnxruntime::LSTMBase::LSTMBase(const onnxruntime::OpKernelInfo&) a was false. `,
    'a node of the operator LSTM',
    'a was false.',
  ],
  [`${SOURCE}/x.cc:1 onnxruntime::Status onnxruntime::Session::Initialize(int) failed`, undefined, 'failed'],
  ["Non-zero status code returned while running Relu node. Name:'first' Status Message: no memory", "node 'first' (Relu)", 'no memory'],
])('%s', (message, where, reason) => {
  expect(explain(message)).toMatchObject({ ...(where !== undefined && { where }), reason });
  if (where === undefined) expect(explain(message)).not.toHaveProperty('where');
});
