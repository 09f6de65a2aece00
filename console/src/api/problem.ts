/** What the server, or the way to it, says went wrong: RFC 9457 problem details as an error. */

export interface ProblemFields {
  status: number;
  code: string;
  detail: string;
  title?: string;
  reason?: string | null;
  field?: string | null;
  retryable?: boolean;
  retry_after_s?: number | null;
  errors?: { field?: string; detail?: string; [name: string]: string | undefined }[] | null;
}

export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  constructor(readonly fields: ProblemFields) {
    super(fields.detail || fields.title || fields.code);
  }

  get status() {
    return this.fields.status;
  }

  get code() {
    return this.fields.code;
  }

  get reason() {
    return this.fields.reason ?? "";
  }
}

/** The problem in an answer that is none of 2xx; of a proxy's own error page only the status is taken. */
export async function problemOf(answer: Response): Promise<ApiProblem> {
  const told: unknown = await answer.json().catch(() => null);
  if (isProblem(told)) return new ApiProblem({ ...told, status: answer.status });
  const detail = `the server answered ${answer.status}`;
  return new ApiProblem({
    status: answer.status,
    code: `http_${answer.status}`,
    detail,
    retryable: answer.status >= 500,
  });
}

/** Nobody answered: the connection failed, or it took too long. */
export function unreachable(cause: unknown): ApiProblem {
  const isLate = cause instanceof DOMException && cause.name === "TimeoutError";
  const detail = isLate ? "the server did not answer in time" : "the server cannot be reached";
  return new ApiProblem({ status: 0, code: isLate ? "no_answer" : "unreachable", detail, retryable: true });
}

function isProblem(told: unknown): told is ProblemFields {
  return (
    typeof told === "object" && told !== null && "code" in told && typeof told.code === "string" && "detail" in told
  );
}
