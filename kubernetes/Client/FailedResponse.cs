using System.Text.Json;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Client;

/// <summary>Turns an answer that is not a success into a typed error.</summary>
internal static class FailedResponse
{
    private const int LongestBody = 512;

    public static async Task<KubernetesException> ReadAsync(
        HttpResponseMessage response,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        var request = response.RequestMessage;
        var status = Parse(body) ?? new V1Status
        {
            Message = body.Length == 0 ? response.ReasonPhrase : body[..Math.Min(body.Length, LongestBody)].ReplaceLineEndings(" "),
        };
        status = status with { Code = (int)response.StatusCode };
        return new KubernetesException(
            status,
            $"{request?.Method} {request?.RequestUri?.AbsolutePath}: {(int)response.StatusCode} {status.Message}",
            RetryAfter.Of(response, time.GetUtcNow()));
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
