using System.Net;
using System.Net.Http.Headers;
using OnCache.Kubernetes.Configuration;

namespace OnCache.Kubernetes.Client;

/// <summary>Sends the token in force, and tries once more when the server refuses it while a newer one is there.</summary>
internal sealed class BearerTokenHandler(ITokenSource tokens, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var token = await tokens.GetAsync(cancellationToken);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized)
        {
            return response;
        }

        tokens.Invalidate();
        var newer = await tokens.GetAsync(cancellationToken);
        if (newer == token)
        {
            return response;
        }

        response.Dispose();
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", newer);
        return await base.SendAsync(request, cancellationToken);
    }
}
