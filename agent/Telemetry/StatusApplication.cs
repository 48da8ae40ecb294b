using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OnCache.Agent.Telemetry;

/// <summary>The five addresses of the agent's socket.</summary>
internal sealed class StatusApplication(IStatusSource status, IFlushTarget flush, Func<string> metrics) : IHttpApplication<HttpContext>
{
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
        // Nothing is held per request.
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        try
        {
            await AnswerAsync(context);
        }
        catch (DatapathReplacedException notNow)
        {
            await TextAsync(context, 503, notNow.Message);
        }
    }

    private Task AnswerAsync(HttpContext context) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("GET", "/healthz") => HealthAsync(context, health => health.Live),
        ("GET", "/readyz") => HealthAsync(context, health => health.Ready),

        // Whoever reaches a port is anybody on the node; the socket's file is its owner's.
        _ when context.Connection.LocalIpAddress is not null => TextAsync(context, 404, "known are GET /healthz and GET /readyz"),
        ("GET", "/status") => JsonAsync(context, status.Status(countFlows: true), AgentJson.Default.AgentStatus),
        ("GET", "/metrics") => TextAsync(context, 200, metrics().TrimEnd('\n')),
        ("POST", "/flush") => FlushAsync(context),
        (_, "/status" or "/healthz" or "/readyz" or "/metrics" or "/flush") => TextAsync(context, 405, $"{context.Request.Method} is not offered here"),
        _ => TextAsync(context, 404, "known are GET /status, GET /healthz, GET /readyz, GET /metrics and POST /flush"),
    };

    private Task HealthAsync(HttpContext context, Func<AgentHealth, bool> good)
    {
        var health = status.Health();
        return good(health) ? TextAsync(context, 200, "ok") : TextAsync(context, 503, health.Reason ?? "not ready");
    }

    private async Task FlushAsync(HttpContext context)
    {
        FlushRequest? request;
        try
        {
            request = await JsonSerializer.DeserializeAsync(context.Request.Body, AgentJson.Default.FlushRequest, context.RequestAborted);
        }
        catch (JsonException unreadable)
        {
            await TextAsync(context, 400, $"the request is not understood: {unreadable.Message}");
            return;
        }

        if (request is not { IsValid: true })
        {
            await TextAsync(context, 400, "name either an endpoint or all");
            return;
        }

        var outcome = flush.Flush(request);
        if (outcome.Endpoints == 0 && request.Endpoint is { } unknown)
        {
            await TextAsync(context, 404, $"no endpoint is named or addressed {unknown}");
            return;
        }

        await JsonAsync(context, outcome, AgentJson.Default.FlushOutcome);
    }

    private static Task JsonAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    private static Task TextAsync(HttpContext context, int code, string text)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n", context.RequestAborted);
    }
}
