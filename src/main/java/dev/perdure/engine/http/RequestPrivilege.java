package dev.perdure.engine.http;

import dev.perdure.flow.template.HttpRequest;
import dev.perdure.store.Journal.Begun;
import org.jspecify.annotations.Nullable;

/** Whether the submitter may send requests at this moment (specification 4.10, check 1). */
final class RequestPrivilege {

    private RequestPrivilege() {}

    /** The error text of the node; null when the request may go out. */
    static @Nullable String refuse(HttpRequest request, Begun begun) {
        if (begun.role() == null) {
            return "HTTP privilege check failed: the role that submitted instance " + begun.instance()
                    + " no longer exists";
        }
        if (request instanceof HttpRequest.Plain) {
            return begun.mayHttp()
                    ? null
                    : refusal(begun.role(), "http", "df.http(text,text,text,jsonb,integer)", "HTTP requests");
        }
        return begun.mayMultipart()
                ? null
                : refusal(
                        begun.role(),
                        "http_multipart",
                        "df.http_multipart(text,text,jsonb,jsonb,integer)",
                        "multipart HTTP requests");
    }

    private static String refusal(String role, String name, String function, String what) {
        return "Blocked: role '" + role + "' does not have EXECUTE privilege on df." + name
                + "(). Grant EXECUTE ON FUNCTION " + function + " TO " + role + " to allow " + what + ".";
    }
}
