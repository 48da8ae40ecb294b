using System.Text.Json.Nodes;

namespace OnCache.Operator.Webhook;

/// <summary>What the API server asks a webhook: <c>admission.k8s.io/v1</c>, the parts that are read.</summary>
/// <param name="Uid">Names the request in the answer.</param>
/// <param name="Kind">The object's kind.</param>
/// <param name="Name">The object's name; empty while it is to be generated.</param>
/// <param name="SubResource">Such as <c>status</c>; empty for the object itself.</param>
/// <param name="Object">The object as it is to be.</param>
/// <param name="OldObject">The object as it is; absent on creation.</param>
/// <param name="User">Who asks.</param>
internal sealed record AdmissionRequest(
    string Uid,
    string Kind,
    string Name,
    string SubResource,
    JsonObject? Object,
    JsonObject? OldObject,
    AdmissionUser User)
{
    /// <summary>Reads an <c>AdmissionReview</c>; <see langword="null"/> when it is none.</summary>
    public static AdmissionRequest? Read(JsonNode? review)
    {
        if (review?["request"] is not JsonObject request || Text(request, "uid") is not { Length: > 0 } uid)
        {
            return null;
        }

        var user = request["userInfo"] as JsonObject ?? [];
        return new AdmissionRequest(
            uid,
            Text(request["kind"] as JsonObject, "kind") ?? "",
            Text(request, "name") ?? "",
            Text(request, "subResource") ?? "",
            request["object"] as JsonObject,
            request["oldObject"] as JsonObject,
            new AdmissionUser(Text(user, "username") ?? "", Extra(user["extra"] as JsonObject)));
    }

    private static Dictionary<string, string> Extra(JsonObject? extra)
    {
        var first = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, values) in extra ?? [])
        {
            if (values is JsonArray { Count: > 0 } list && list[0] is JsonValue value && value.TryGetValue<string>(out var text))
            {
                first[key] = text;
            }
        }

        return first;
    }

    private static string? Text(JsonObject? node, string field) =>
        node?[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}

/// <summary>Who asks.</summary>
/// <param name="Name">The user.</param>
/// <param name="Extra">What else is known, the first value of each key.</param>
internal sealed record AdmissionUser(string Name, IReadOnlyDictionary<string, string> Extra);

/// <summary>The answer.</summary>
/// <param name="Problem">Why the request is denied; absent when it is allowed.</param>
/// <param name="Warnings">What the user should know all the same.</param>
internal sealed record AdmissionVerdict(string? Problem, IReadOnlyList<string> Warnings)
{
    public static AdmissionVerdict Allowed { get; } = new(Problem: null, []);

    public static AdmissionVerdict Denied(string problem) => new(problem, []);

    /// <summary>The <c>AdmissionReview</c> to send back.</summary>
    public JsonObject ToReview(string uid)
    {
        var response = new JsonObject { ["uid"] = uid, ["allowed"] = Problem is null };
        if (Problem is not null)
        {
            response["status"] = new JsonObject { ["code"] = 422, ["reason"] = "Invalid", ["message"] = Problem };
        }

        if (Warnings.Count > 0)
        {
            response["warnings"] = new JsonArray([.. Warnings.Select(warning => JsonValue.Create(warning))]);
        }

        return new JsonObject { ["apiVersion"] = "admission.k8s.io/v1", ["kind"] = "AdmissionReview", ["response"] = response };
    }
}
