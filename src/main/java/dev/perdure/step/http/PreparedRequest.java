package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A request that is ready to be sent.
 *
 * @param body null for none
 */
record PreparedRequest(HttpMethod method, Target target, MultiMap headers, @Nullable Buffer body) {

    private static final Set<String> METHODS = Set.of("GET", "POST", "PUT", "DELETE", "PATCH");
    private static final Set<String> MULTIPART_METHODS = Set.of("POST", "PUT", "PATCH");
    private static final Set<String> WITHOUT_BODY = Set.of("GET", "DELETE");

    /**
     * Checks and assembles a request.
     *
     * @param key for {@code Idempotency-Key}, unless the step has its own
     * @throws HttpStepException when it cannot be sent, or not there
     */
    static PreparedRequest of(HttpRequest request, String key, String userAgent, EgressPolicy policy)
            throws HttpStepException {
        Target target = TargetParser.parse(request.url());
        policy.checkHost(target);
        String method = request.method();
        RequestHeaders headers = new RequestHeaders(request.url());
        Buffer body = null;
        if (request instanceof HttpRequest.Multipart multipart) {
            if (!MULTIPART_METHODS.contains(method)) {
                throw new HttpStepException(HttpOutcome.INVALID, "Unsupported HTTP method for multipart: " + method);
            }
            MultipartBody encoded = MultipartBody.of(FormFields.before(multipart), key);
            body = encoded.content();
            headers.ofStep(multipart.headers()).set("Content-Type", encoded.contentType());
        } else if (request instanceof HttpRequest.Plain plain) {
            if (!METHODS.contains(method)) {
                throw new HttpStepException(HttpOutcome.INVALID, "Unsupported HTTP method: " + method);
            }
            headers.ofStep(plain.headers());
            String form = FormFields.encoded(plain.options().formFields());
            if (form != null) {
                headers.missing("Content-Type", "application/x-www-form-urlencoded");
            }
            String text = form == null ? plain.body() : form;
            body = text == null ? null : Buffer.buffer(text);
        }
        Integer most = request.options().maxRequestBytes();
        if (most != null && body != null && body.length() > most) {
            throw new HttpStepException(
                    HttpOutcome.INVALID,
                    "the body of the request has " + body.length() + " bytes, more than max_request_bytes (" + most
                            + ")");
        }
        headers.missing("Accept", "*/*")
                .missing("Accept-Encoding", "gzip, deflate")
                .missing("User-Agent", userAgent)
                .missing("Idempotency-Key", key);
        if (body != null) {
            headers.set("Content-Length", Integer.toString(body.length()));
        } else if (!WITHOUT_BODY.contains(method)) {
            headers.set("Content-Length", "0");
        }
        return new PreparedRequest(HttpMethod.valueOf(method), target, headers.all(), body);
    }
}
