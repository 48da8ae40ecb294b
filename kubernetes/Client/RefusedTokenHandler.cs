using System.Net;
using OnCache.Kubernetes.Configuration;

namespace OnCache.Kubernetes.Client;

/// <summary>Tries once more when the server refuses the token while a newer one is there.</summary>
internal sealed class RefusedTokenHandler(RenewableToken token) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized)
        {
            return response;
        }

        token.Renew(request.Headers.Authorization);
        var newer = await token.GetAuthenticationHeaderAsync(cancellationToken);
        if (newer.Equals(request.Headers.Authorization))
        {
            return response;
        }

        response.Dispose();
        request.Headers.Authorization = newer;
        return await base.SendAsync(request, cancellationToken);
    }
}
