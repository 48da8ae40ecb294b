using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using OnCache.Kubernetes.Telemetry;
using OnCache.Operator.Webhook;

namespace OnCache.Operator.Serving;

/// <summary>Answers requests: health and metrics on the plain port, admission on the encrypted one.</summary>
internal sealed class OperatorEndpoints(Func<OperatorHealth> health, PrometheusText metrics, Func<AdmissionRequest, CancellationToken, Task<AdmissionVerdict>> judge)
{
    public Task HandleAsync(HttpContext context) => (context.Request.IsHttps, context.Request.Method, context.Request.Path.Value) switch
    {
        (false, "GET", "/healthz") => TextAsync(context, 200, "ok\n"),
        (false, "GET", "/readyz") => health().NotReady is { } missing ? TextAsync(context, 503, missing + "\n") : TextAsync(context, 200, "ok\n"),
        (false, "GET", "/metrics") => TextAsync(context, 200, metrics.Write(), "text/plain; version=0.0.4; charset=utf-8"),
        (true, "POST", "/admit") => AdmitAsync(context),
        _ => TextAsync(context, 404, "known are GET /healthz, /readyz and /metrics, and POST /admit over TLS\n"),
    };

    private async Task AdmitAsync(HttpContext context)
    {
        JsonNode? review;
        try
        {
            review = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        }
        catch (JsonException)
        {
            review = null;
        }

        if (AdmissionRequest.Read(review) is not { } request)
        {
            await TextAsync(context, 400, "the body is no AdmissionReview of admission.k8s.io/v1\n");
            return;
        }

        var verdict = await judge(request, context.RequestAborted);
        await TextAsync(context, 200, verdict.ToReview(request.Uid).ToJsonString(), "application/json");
    }

    private static Task TextAsync(HttpContext context, int code, string text, string type = "text/plain; charset=utf-8")
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
