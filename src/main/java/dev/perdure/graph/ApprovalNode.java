package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Waits until people have decided.
 *
 * @param title template of what they are asked
 * @param assignees templates of the roles whose members may decide
 * @param payload template of a JSON text; null when there is none
 * @param quorum how many have to decide the same
 * @param notSubmitter whether the role that has started the workflow may not decide
 */
public record ApprovalNode(
        String id,
        @Nullable String resultName,
        String title,
        List<String> assignees,
        @Nullable String payload,
        int quorum,
        boolean notSubmitter)
        implements Node {

    @Override
    public String type() {
        return "APPROVAL";
    }

    @Override
    public String awaitedSignal(String stamp) {
        return CallNode.reply("df.approval", id, stamp);
    }

    @Override
    public boolean isAssigned() {
        return true;
    }
}
