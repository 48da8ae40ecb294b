using System.Globalization;
using System.Net;
using System.Text.Json;
using k8s.Autorest;
using k8s.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Client;

/// <summary>Turns an answer that is not a success into a typed error.</summary>
internal static class FailedResponse
{
    private const int LongestBody = 512;

    public static KubernetesException Read(HttpMethod method, Uri address, HttpResponseMessageWrapper response, DateTimeOffset now)
    {
        var body = response.Content ?? string.Empty;
        var status = Parse(body) ?? new V1Status
        {
            Message = body.Length == 0 ? response.ReasonPhrase : body[..Math.Min(body.Length, LongestBody)].ReplaceLineEndings(" "),
        };
        var code = (int)response.StatusCode;
        var asked = response.Headers.TryGetValue("Retry-After", out var values) ? RetryAfter.Of(values.FirstOrDefault(), now) : null;
        return new KubernetesException(
            status with { Code = code },
            string.Create(CultureInfo.InvariantCulture, $"{method} {address.AbsolutePath}: {code} {status.Message}"),
            asked)
        {
            DidNotAct = response.StatusCode == HttpStatusCode.TooManyRequests || (asked is not null && code >= 500),
        };
    }

    private static V1Status? Parse(string body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, KubernetesJson.Contract<V1Status>()) is { Status: not null } status ? status : null;
        }
        catch (JsonException)
        {
            // Whoever answered, a proxy or an old server, does not speak Status; its words are passed on.
            return null;
        }
    }
}
