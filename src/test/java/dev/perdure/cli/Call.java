package dev.perdure.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** One call of a command, and what it printed. */
record Call(int code, String out, String err) {

    static Call of(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Commands.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
        return new Call(code, out.toString(), err.toString());
    }
}
