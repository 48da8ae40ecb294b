using System.Text.Json;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>What a policy's status has to say for the demonstration to have shown anything.</summary>
internal static class PolicyVerdict
{
    private static readonly string[] Conditions = ["Accepted", "Programmed", "Ready"];

    /// <summary>Why the status is not what it should be; null when it is.</summary>
    /// <param name="policy">The object as the API server gives it.</param>
    /// <param name="nodes">Nodes that the policy covers.</param>
    /// <param name="pods">Pods that it selects, all of which can be accelerated.</param>
    public static string? Objection(JsonElement policy, int nodes, int pods)
    {
        if (!policy.TryGetProperty("status", out var status))
        {
            return "it has no status";
        }

        var generation = policy.GetProperty("metadata").GetProperty("generation").GetInt64();
        var seen = status.TryGetProperty("conditions", out var list)
            ? list.EnumerateArray().ToDictionary(condition => condition.GetProperty("type").GetString()!, StringComparer.Ordinal)
            : [];
        foreach (var type in Conditions)
        {
            if (!seen.TryGetValue(type, out var condition))
            {
                return $"it has no condition {type}";
            }

            if (condition.GetProperty("status").GetString() != "True")
            {
                return $"{type} is {condition.GetProperty("status").GetString()}: {condition.GetProperty("message").GetString()}";
            }

            if (condition.GetProperty("observedGeneration").GetInt64() != generation)
            {
                return $"{type} is about generation {condition.GetProperty("observedGeneration").GetInt64()}, not {generation}";
            }
        }

        (string Field, int Expected)[] counts =
        [
            ("nodes.selected", nodes), ("nodes.programmed", nodes), ("nodes.failed", 0), ("pods.selected", pods), ("pods.accelerated", pods),
        ];
        return counts.Select(count => (count.Field, count.Expected, Actual: Count(status, count.Field)))
            .Where(count => count.Actual != count.Expected)
            .Select(count => FormattableString.Invariant($"status.{count.Field} is {count.Actual?.ToString() ?? "absent"}, not {count.Expected}"))
            .FirstOrDefault();
    }

    private static int? Count(JsonElement status, string field)
    {
        var words = field.Split('.');
        return status.TryGetProperty(words[0], out var group) && group.TryGetProperty(words[1], out var count) ? count.GetInt32() : null;
    }
}
