package dev.perdure.cli;

import dev.perdure.doctor.Finding;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Prints findings, one line each, with the remedy below. */
final class Findings {

    private Findings() {}

    /** Returns the exit code: 1 when there is a problem. */
    static int print(List<Finding> findings, PrintWriter out) {
        int widest = findings.stream()
                .mapToInt(finding -> finding.subject().length())
                .max()
                .orElse(0);
        for (Finding finding : findings) {
            String level = finding.level().name().toLowerCase(Locale.ROOT);
            out.println(pad(level, 8) + " " + pad(finding.subject(), widest) + "  " + finding.text());
            if (finding.remedy() != null) {
                out.println(" ".repeat(9) + pad("", widest) + "  -> " + finding.remedy());
            }
        }
        long problems = findings.stream().filter(Finding::isProblem).count();
        out.println(problems == 0 ? "No problem" : problems + (problems == 1 ? " problem" : " problems"));
        out.flush();
        return problems == 0 ? 0 : Commands.PROBLEM;
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }
}
